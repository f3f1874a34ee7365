"""Connects a mailbox: what its owner knows goes in, a checked and saved account comes out.

Nothing is saved before the server has let us in and listed its folders, so that a typing error shows itself to the
person who made it. The submission server is stored and not tried.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from flanker.addresslib import address as addresses

from accounts import presets
from accounts.credentials import CredentialsLocked, seal, unseal
from accounts.detect import DetectionFailed, detect
from accounts.models import Account, AccountState, Application
from accounts.network import HostError, is_trusted
from accounts.servers import Servers
from mail import changes, intent
from mail.imap.session import MailSession
from mail.types import AuthenticationFailed, Login, MailError

_CHECK_TIMEOUT = 15.0  # seconds for each answer; a person waits
_CHECK_SECONDS = 30.0  # for all of them
_SECURITY_OF = {993: "tls", 143: "starttls", 465: "tls", 587: "starttls", 25: "starttls"}
_PORT_OF = {"imap": {"tls": 993, "starttls": 143, "none": 143}, "smtp": {"tls": 465, "starttls": 587, "none": 25}}
_WRITTEN = [
    *("name", "settings", "credentials", "state", "reason", "failures"),
    *("next_sync_at", "lease_token", "lease_expires_at", "updated_at"),
]
_KEPT = frozenset(f"{protocol}_{name}" for protocol in _PORT_OF for name in ("host", "port", "security", "username"))
_REVIVED = (AccountState.INVALID, AccountState.ERROR)


class ConnectRefused(Exception):
    """The mailbox was not connected; the message says why and the cure. `field`: the setting that is wrong, or ""."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectOptions:
    """What is known of a mailbox. What is "" or None is found out: from the address, or ports and securities by each
    other. Securities are tls, starttls or none."""

    imap_password: str = field(repr=False)
    imap_host: str = ""
    imap_port: int | None = None
    imap_security: str = ""
    imap_username: str = ""
    smtp_host: str = ""
    smtp_port: int | None = None
    smtp_security: str = ""
    smtp_username: str = ""
    smtp_password: str = field(default="", repr=False)
    name: str = ""


def connect(application: Application, email: str, options: ConnectOptions) -> Account:
    """Check the mailbox and save it as an account of the application; its first sync follows at once.

    An address that the application has connected before keeps its id and data and gets the new settings and
    credentials. May take half a minute of network, so call it outside transactions. Raises ConnectRefused.
    """
    _check_texts(options)
    email = _checked_address(email)
    release_database_connection()
    found = _found(email, options)
    settings = _settings("imap", email, options, found) | _settings("smtp", email, options, found)
    _try_out(settings, options.imap_password, found.note if found else "")
    return _save(application, email.lower(), settings, options)


def reconnect(account: Account, given: Mapping[str, Any]) -> Account:
    """Connect an account anew with the settings and passwords that are given; the others stay. Raises ConnectRefused.

    The password is asked for again where the server changes: whoever may change one need not know the other.
    """
    for protocol, passwords in (("imap", {"imap_password"}), ("smtp", {"smtp_password", "imap_password"})):
        server = {f"{protocol}_{name}" for name in ("host", "port", "security")} & given.keys()
        moved = any(given[name] != account.settings.get(name) for name in server)
        if moved and not passwords & given.keys():
            raise ConnectRefused("The password is needed again where the server changes.", f"{protocol}_password")
    kept = {name: value for name, value in account.settings.items() if name in _KEPT} | _passwords(account)
    if kept.get("smtp_password") == kept.get("imap_password"):  # it was not given on its own
        kept.pop("smtp_password", None)
    return connect(account.application, account.email, ConnectOptions(**{**kept, **given, "name": account.name}))


def _passwords(account: Account) -> dict[str, str]:
    try:
        return unseal(bytes(account.credentials))
    except CredentialsLocked:
        return {"imap_password": ""}  # which `connect` refuses, unless another is given


def release_database_connection() -> None:
    """Do so before a wait for strangers' servers: a process has few, and twenty slow servers would stop it."""
    if not connection.in_atomic_block:  # a transaction cannot do without
        connection.close_if_unusable_or_obsolete()


def _check_texts(options: ConnectOptions) -> None:
    for name, value in asdict(options).items():
        if isinstance(value, str) and any(character in value for character in "\0\r\n"):
            raise ConnectRefused(f"{name} holds a line break or a NUL.", name)
    if not options.imap_password:
        raise ConnectRefused("A password is needed.", "imap_password")
    if len(options.name) > 200:
        raise ConnectRefused("The name is longer than 200 characters.", "name")


def _checked_address(email: str) -> str:
    parsed = addresses.parse(email.strip(), addr_spec_only=True, strict=True)
    if parsed is None or len(parsed.address) > 320:
        raise ConnectRefused(f"{email!r} is not an e-mail address.", "email")
    return str(parsed.address)


def _found(email: str, options: ConnectOptions) -> Servers | None:
    """What detection knows. With an IMAP host given only presets are asked: they cost no time."""
    if options.imap_host:
        preset = presets.by_domain(email.rpartition("@")[2])
        found = presets.apply(preset, email, "preset") if preset else None
        return found if found and found.imap_host == options.imap_host.lower() else None
    try:
        return detect(email)
    except DetectionFailed as error:
        raise ConnectRefused(str(error), "imap_host") from error


def _settings(protocol: str, email: str, options: ConnectOptions, found: Servers | None) -> dict[str, Any]:
    """imap_host, imap_port, imap_security and imap_username, or the same for smtp; {} where no such host is known."""

    def given(what: str) -> Any:
        return getattr(options, f"{protocol}_{what}")

    def detected(what: str) -> Any:
        return getattr(found, f"{protocol}_{what}") if found else None

    host = (given("host") or detected("host") or "").strip().lower()
    if not host:
        return {}
    port, security = given("port"), given("security")
    if host == detected("host") and not port and not security:
        port, security = detected("port"), detected("security")
    security = security or _SECURITY_OF.get(port, "tls")
    _check_security(protocol, host, security)
    port = port or _PORT_OF[protocol][security]
    if not 0 < port < 65536:
        raise ConnectRefused(f"{port} is not a port: ports go from 1 to 65535.", f"{protocol}_port")
    username = given("username") or options.imap_username or detected("username") or email
    values = {"host": host, "port": port, "security": security, "username": username}
    return {f"{protocol}_{name}": value for name, value in values.items()}


def _check_security(protocol: str, host: str, security: str) -> None:
    where = f"{protocol}_security"
    if security not in _PORT_OF[protocol]:
        raise ConnectRefused(f"{where} must be tls, starttls or none, not {security!r}.", where)
    if security == "none" and not is_trusted(host):
        raise ConnectRefused(
            f"Without TLS the password would travel readable. Use tls or starttls, "
            f"or have the farm's operator add {host} to SYNCFARM_TRUSTED_HOSTS.",
            where,
        )


def _try_out(settings: dict[str, Any], password: str, note: str) -> None:
    """Log in and list the folders. Raises ConnectRefused."""
    login = Login(
        host=settings["imap_host"],
        port=settings["imap_port"],
        security=settings["imap_security"],
        username=settings["imap_username"],
        password=password,
        trusted=is_trusted(settings["imap_host"]),
    )
    try:
        with MailSession.open(login, timeout=_CHECK_TIMEOUT, seconds=_CHECK_SECONDS) as session:
            session.folders()
    except AuthenticationFailed as error:
        raise ConnectRefused(f"{error} {note}".strip(), "imap_password" if error.permanent else "") from error
    except (MailError, HostError) as error:
        raise ConnectRefused(str(error), "imap_host") from error
    except MemoryError as error:
        raise ConnectRefused(f"{login.host} sent more at once than there is memory for.", "imap_host") from error


def _save(application: Application, email: str, settings: dict[str, Any], options: ConnectOptions) -> Account:
    secrets = {"imap_password": options.imap_password}
    if settings.get("smtp_host"):
        secrets["smtp_password"] = options.smtp_password or options.imap_password
    with transaction.atomic():
        # Not update_or_create: two connects of one address at once must not end in an integrity error for either.
        fresh = Account(application=application, email=email, settings=settings, credentials=seal(secrets))
        Account.objects.bulk_create([fresh], ignore_conflicts=True)
        account = Account.objects.select_for_update().present().get(application=application, email=email)
        created = account.pk == fresh.pk
        account.settings, account.credentials = settings, fresh.credentials
        account.name = options.name or account.name
        # A sync that runs with the old credentials must not mark the account by what it meets.
        account.lease_token = account.lease_expires_at = None
        if account.state in _REVIVED:
            account.state, account.reason, account.failures = AccountState.CONNECTING, "", 0
        if account.state != AccountState.PAUSED:
            account.next_sync_at = timezone.now()
        account.save(update_fields=_WRITTEN)
        with connection.cursor() as cursor:
            changes.append(cursor, account.pk, [("grant", account.pk, "created" if created else "updated")])
        transaction.on_commit(lambda: intent.request_sync(account.pk))
    return account
