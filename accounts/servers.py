"""What detection finds: the servers of a mailbox."""

from dataclasses import dataclass

EMAIL, LOCAL_PART, DOMAIN = "%EMAILADDRESS%", "%EMAILLOCALPART%", "%EMAILDOMAIN%"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server. `security`: tls from the first byte, or starttls."""

    host: str
    port: int
    security: str


@dataclass(frozen=True, slots=True)
class Servers:
    """Where an address has its mailbox. `smtp_host` is "" and `smtp_port` 0 where nothing tells.

    `source`: how it was found (preset, srv, mx, autoconfig); `provider`: the preset's name or "";
    `note`: what its owner has to know before connecting, in a sentence, or "".
    """

    imap_host: str
    imap_port: int
    imap_security: str
    smtp_host: str
    smtp_port: int
    smtp_security: str
    imap_username: str
    smtp_username: str
    source: str
    provider: str = ""
    note: str = ""


def servers(imap: Endpoint, smtp: Endpoint | None, usernames: tuple[str, str], source: str) -> Servers:
    """Both servers and the user's names at them, put together."""
    out = smtp or Endpoint("", 0, "")
    return Servers(imap.host, imap.port, imap.security, out.host, out.port, out.security, *usernames, source)


def fill(template: str, email: str) -> str:
    """A name or host with the placeholders that autoconfig files use replaced by the address's parts."""
    local_part, _, domain = email.rpartition("@")
    for placeholder, value in ((EMAIL, email), (LOCAL_PART, local_part), (DOMAIN, domain)):
        template = template.replace(placeholder, value)
    return template
