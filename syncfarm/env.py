"""Reads the environment: the only source of settings. A wrong value stops the start with one clear line."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from cryptography.fernet import Fernet
from environs import Env, EnvError, validate

BASE_DIR = Path(__file__).resolve().parent.parent

# What each variable must be, in the words of the error that a wrong value gets. docs/configuration.md tells the rest.
VARIABLES = {
    "DATABASE_URL": "a PostgreSQL address like postgresql://user:password@host:5432/database, "
    "or absent for the embedded PostgreSQL",
    "REDIS_URL": "an address like redis://:password@host:6379/0 (rediss:// for TLS), or absent for the embedded Valkey",
    "SYNCFARM_SECRET_KEYS": "Fernet keys (32 bytes in URL-safe base64), separated by commas; make one with: "
    'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
    "SYNCFARM_VAR": "a directory that can be written",
    "SYNCFARM_HOST": "the address to listen on, for example 127.0.0.1",
    "SYNCFARM_PORT": "a TCP port from 1 to 65535, for example 8000",
    "SYNCFARM_FLOWER_PORT": "a TCP port from 1 to 65535, for example 5555",
    "SYNCFARM_URL": "the address that users type, for example https://mail.example.com",
    "SYNCFARM_ALLOWED_HOSTS": "host names separated by commas, for example mail.example.com,localhost",
    "SYNCFARM_TRUSTED_HOSTS": "mail hosts separated by commas, for example 127.0.0.1,imap.intranet.example",
    "SYNCFARM_RAW_STORE": "database, file:///a/directory or "
    "s3://bucket/prefix?endpoint=https://host&region=name without a key in it (S3 needs the packages of "
    "requirements/prod.txt)",
    "SYNCFARM_MAX_MESSAGE_BYTES": "a number of bytes, at least 65536, for example 104857600",
    "SYNCFARM_MAX_UPLOAD_BYTES": "a number of bytes from 65536 to 1073741824, for example 26214400",
    "SYNCFARM_DATABASE_CONNECTIONS": "the most database connections of one process, 0 for no bound",
    "SYNCFARM_WATCH_ACCOUNTS": "the most accounts of one watch process, from 0 to 100000",
    "SYNCFARM_LOG_LEVEL": "one of DEBUG, INFO, WARNING, ERROR",
    "SYNCFARM_DEBUG": "true or false",
}


class WrongSetting(Exception):
    """A variable of the environment has a value that cannot be used; the text names it and the cure."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is wrong: it must be {VARIABLES[name]}.")


@dataclass(frozen=True, slots=True)
class Environment:
    """The settings as the environment has them. Empty strings and None: absent, a default is found elsewhere."""

    database_url: str
    redis_url: str
    secret_keys: tuple[str, ...]
    var: Path
    host: str
    port: int | None
    flower_port: int | None
    url: str
    allowed_hosts: tuple[str, ...]
    trusted_hosts: tuple[str, ...]
    raw_store: str
    max_message_bytes: int
    max_upload_bytes: int
    database_connections: int
    watch_accounts: int
    log_level: str
    debug: bool


def _url(env: Env, name: str, *schemes: str) -> str:
    value = env.str(name, "").strip()
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if value and not usable:
        raise WrongSetting(name)
    return value


def _database_url(env: Env) -> str:
    value = _url(env, "DATABASE_URL", "postgresql", "postgres")
    if value and not urlsplit(value).path.strip("/"):
        raise WrongSetting("DATABASE_URL")
    return value


def _raw_store(env: Env) -> str:
    """ "" for the database, else an address without secrets: it is kept with every pack."""
    value = env.str("SYNCFARM_RAW_STORE", "").strip()
    if value in {"", "database"}:
        return ""
    try:
        parts = urlsplit(value)
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise WrongSetting("SYNCFARM_RAW_STORE") from error
    plain = "@" not in value and not parts.fragment
    if not plain or not (_is_directory(parts, options) or _is_bucket(parts, options)):
        raise WrongSetting("SYNCFARM_RAW_STORE")
    return value


def _is_directory(parts: SplitResult, options: Mapping[str, list[str]]) -> bool:
    path = Path(unquote(parts.path))
    return parts.scheme == "file" and not parts.netloc and not options and path.is_absolute() and path != Path("/")


def _is_bucket(parts: SplitResult, options: Mapping[str, list[str]]) -> bool:
    endpoint = urlsplit(options.get("endpoint", ["https://s3"])[0])
    known = options.keys() <= {"endpoint", "region"} and endpoint.scheme in {"http", "https"} and endpoint.hostname
    installed = find_spec("boto3") is not None and find_spec("storages") is not None
    return parts.scheme == "s3" and bool(parts.netloc and known) and installed


def _words(env: Env, name: str, default: str = "") -> tuple[str, ...]:
    return tuple(word.strip() for word in env.str(name, default).split(",") if word.strip())


def check_keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    """The keys, each seen to be a Fernet key. Raises WrongSetting."""
    try:
        for key in keys:
            Fernet(key)
    except ValueError as error:
        raise WrongSetting("SYNCFARM_SECRET_KEYS") from error
    return keys


def _number(env: Env, name: str, default: int, low: int, high: int | None = None) -> int:
    try:
        return env.int(name, default, validate=validate.Range(low, high))
    except EnvError as error:
        raise WrongSetting(name) from error


def _port(env: Env, name: str) -> int | None:
    return _number(env, name, 0, 1, 65535) or None


def _flag(env: Env, name: str) -> bool:
    try:
        return env.bool(name, False)
    except EnvError as error:
        raise WrongSetting(name) from error


def _log_level(env: Env) -> str:
    level = env.str("SYNCFARM_LOG_LEVEL", "INFO").upper()
    if level not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
        raise WrongSetting("SYNCFARM_LOG_LEVEL")
    return level


def _directory(env: Env, name: str, default: Path) -> Path:
    path = Path(env.str(name, "") or default).expanduser().resolve()
    if path.exists() and not path.is_dir():
        raise WrongSetting(name)
    return path


def read() -> Environment:
    """All settings, checked. Raises WrongSetting for the first that is wrong."""
    env = Env()
    return Environment(
        database_url=_database_url(env),
        redis_url=_url(env, "REDIS_URL", "redis", "rediss"),
        secret_keys=check_keys(_words(env, "SYNCFARM_SECRET_KEYS")),
        var=_directory(env, "SYNCFARM_VAR", BASE_DIR / "var"),
        host=env.str("SYNCFARM_HOST", "127.0.0.1"),
        port=_port(env, "SYNCFARM_PORT"),
        flower_port=_port(env, "SYNCFARM_FLOWER_PORT"),
        url=_url(env, "SYNCFARM_URL", "http", "https").rstrip("/"),
        allowed_hosts=_words(env, "SYNCFARM_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]"),
        trusted_hosts=_words(env, "SYNCFARM_TRUSTED_HOSTS"),
        raw_store=_raw_store(env),
        max_message_bytes=_number(env, "SYNCFARM_MAX_MESSAGE_BYTES", 100 * 1024 * 1024, 65536),
        max_upload_bytes=_number(env, "SYNCFARM_MAX_UPLOAD_BYTES", 25 * 1024 * 1024, 65536, 1024**3),
        database_connections=_number(env, "SYNCFARM_DATABASE_CONNECTIONS", 0, 0, 10_000),
        watch_accounts=_number(env, "SYNCFARM_WATCH_ACCOUNTS", 10_000, 0, 100_000),
        log_level=_log_level(env),
        debug=_flag(env, "SYNCFARM_DEBUG"),
    )


def read_or_stop() -> Environment:
    """All settings, or the end of the process with one line on standard error."""
    try:
        return read()
    except WrongSetting as error:
        sys.exit(str(error))
