"""Settings come from the environment; what is wrong there is one clear line."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from syncfarm import env

WRONG = {
    "DATABASE_URL": "mysql://localhost/mail",
    "REDIS_URL": "redis.example",
    "SYNCFARM_SECRET_KEYS": "secret",
    "SYNCFARM_VAR": __file__,
    "SYNCFARM_PORT": "http",
    "SYNCFARM_FLOWER_PORT": "70000",
    "SYNCFARM_URL": "mail.example.com",
    "SYNCFARM_RAW_STORE": "https://bucket.example.com",
    "SYNCFARM_MAX_MESSAGE_BYTES": "100",
    "SYNCFARM_MAX_UPLOAD_BYTES": "100",
    "SYNCFARM_DATABASE_CONNECTIONS": "-1",
    "SYNCFARM_WATCH_ACCOUNTS": "all",
    "SYNCFARM_LOG_LEVEL": "LOUD",
    "SYNCFARM_DEBUG": "perhaps",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in env.VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = env.read()
    assert (settings.database_url, settings.redis_url, settings.secret_keys) == ("", "", ())
    assert settings.trusted_hosts == ()
    assert settings.var == env.BASE_DIR / "var"


def test_each_variable_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = (Fernet.generate_key().decode(), Fernet.generate_key().decode())
    monkeypatch.setenv("DATABASE_URL", "postgresql://me:p%40ss@db.example:6543/mail")
    monkeypatch.setenv("REDIS_URL", "rediss://:pass@redis.example:6380/1")
    monkeypatch.setenv("SYNCFARM_SECRET_KEYS", " , ".join(keys))
    monkeypatch.setenv("SYNCFARM_VAR", str(tmp_path))
    monkeypatch.setenv("SYNCFARM_PORT", "8080")
    monkeypatch.setenv("SYNCFARM_TRUSTED_HOSTS", "127.0.0.1, imap.lan")
    monkeypatch.setenv("SYNCFARM_DEBUG", "true")
    settings = env.read()
    assert settings.database_url.endswith("/mail")
    assert settings.redis_url.startswith("rediss://")
    assert settings.secret_keys == keys
    assert (settings.var, settings.port, settings.debug) == (tmp_path, 8080, True)
    assert settings.trusted_hosts == ("127.0.0.1", "imap.lan")


@pytest.mark.parametrize(("name", "value"), WRONG.items())
def test_a_wrong_value_names_its_variable_and_the_cure(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(env.WrongSetting) as caught:
        env.read()
    assert str(caught.value) == f"{name} is wrong: it must be {env.VARIABLES[name]}."


def test_a_database_address_without_a_database_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost:5432/")
    with pytest.raises(env.WrongSetting, match="DATABASE_URL"):
        env.read()


@pytest.mark.parametrize(
    "value",
    [
        "database",
        "file:///srv/raw%20mail",
        "s3://mail",
        "s3://mail/farm/1?region=eu-north-1",
        "s3://mail?endpoint=http://127.0.0.1:9000&region=x",
    ],
)
def test_raw_mail_may_be_kept_in_several_places(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SYNCFARM_RAW_STORE", value)
    assert env.read().raw_store == value.removeprefix("database")


@pytest.mark.parametrize(
    "value",
    [
        "disk",
        "/srv/raw",
        "file://srv/raw",
        "file:///",
        "file:///srv?x=1",
        "s3://",
        "s3:///prefix",
        "s3://key:secret@mail",
        "s3://mail?endpoint=minio:9000",
        "s3://mail?colour=red",
        "s3://mail?region",
        "s3://[mail",
    ],
)
def test_a_raw_store_that_cannot_be_one_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("SYNCFARM_RAW_STORE", value)
    with pytest.raises(env.WrongSetting, match="SYNCFARM_RAW_STORE"):
        env.read()


def test_a_bucket_needs_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCFARM_RAW_STORE", "s3://mail")
    monkeypatch.setattr(env, "find_spec", lambda _name: None)
    with pytest.raises(env.WrongSetting, match=r"prod\.txt"):
        env.read()


@pytest.mark.parametrize(
    "start", ["manage.py check", "-m syncfarm.farm", "-m mail.watch", "-m celery -A syncfarm inspect ping"]
)
def test_the_start_stops_with_one_line(start: str, tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, *start.split()],
        cwd=env.BASE_DIR,
        env={"PATH": os.environ["PATH"], "SYNCFARM_PORT": "http", "SYNCFARM_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr.splitlines() == [str(env.WrongSetting("SYNCFARM_PORT"))]


def test_the_documentation_lists_exactly_the_variables_that_are_read() -> None:
    documented = re.findall(
        r"^\| `([A-Z_]+)` \|", (env.BASE_DIR / "docs" / "configuration.md").read_text(), re.MULTILINE
    )
    code = (env.BASE_DIR / "syncfarm" / "env.py").read_text()
    read = set(re.findall(r'env(?:, |\.str\()"([A-Z_]+)"', code))
    assert sorted(documented) == sorted(env.VARIABLES)
    assert read == set(env.VARIABLES)
