"""Facts about the providers that most addresses belong to, from their own help pages.

A preset answers at once and offline; `mx` also finds the domains of companies that a provider hosts.
"""

from dataclasses import dataclass, replace

from accounts.servers import EMAIL, LOCAL_PART, Endpoint, Servers, fill, servers

CONNECTIONS = 3  # to one mailbox at once, where a provider does not say how many it allows
_APP_KEY = "{} accepts only an app password here, which its owner makes in the account's security settings."
_SWITCHED_ON = "{} accepts mail programs only after its owner switched IMAP on in the mailbox's settings."


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider. `domains` and `mx` (ends of exchangers' names) are separated by spaces. `imap` None: it has none.
    `connections`: how many it allows to one mailbox at once, the owner's own programs among them; `files_sent`: it
    keeps a copy of what is sent by its submission server without being asked."""

    name: str
    domains: str
    imap: Endpoint | None
    smtp: Endpoint | None = None
    mx: str = ""
    note: str = ""
    imap_username: str = EMAIL
    connections: int = CONNECTIONS
    files_sent: bool = False


def _tls(host: str, port: int = 993) -> Endpoint:
    return Endpoint(host, port, "tls")


def _starttls(host: str) -> Endpoint:
    return Endpoint(host, 587, "starttls")


PRESETS = (
    Preset(
        "gmail",
        "gmail.com googlemail.com",
        _tls("imap.gmail.com"),
        _tls("smtp.gmail.com", 465),
        mx="google.com googlemail.com",
        note=_APP_KEY.format("Google"),
        connections=15,
        files_sent=True,
    ),
    Preset(
        "outlook",
        "outlook.com outlook.de outlook.fr outlook.es outlook.it outlook.jp outlook.at outlook.be outlook.dk "
        "outlook.com.br outlook.com.au hotmail.com hotmail.de hotmail.fr hotmail.it hotmail.es hotmail.nl "
        "hotmail.be hotmail.co.uk hotmail.com.br hotmail.co.jp hotmail.se live.com live.de live.fr live.it "
        "live.nl live.be live.ca live.co.uk live.jp live.com.au live.se live.dk live.no live.at live.cn msn.com "
        "passport.com windowslive.com",
        _tls("outlook.office365.com"),
        _starttls("smtp-mail.outlook.com"),
        note="Microsoft no longer accepts passwords over IMAP, only a sign-in with OAuth.",
        connections=16,  # Exchange's MaxConnectionsPerUser
        files_sent=True,
    ),
    Preset(
        "office365",
        "",
        _tls("outlook.office365.com"),
        _starttls("smtp.office365.com"),
        mx="protection.outlook.com mx.microsoft",
        note="Microsoft 365 no longer accepts passwords over IMAP, only a sign-in with OAuth.",
        connections=16,
        files_sent=True,
    ),
    Preset(
        "yahoo",
        "yahoo.com ymail.com rocketmail.com myyahoo.com yahoo.de yahoo.fr yahoo.it yahoo.es yahoo.ca yahoo.in "
        "yahoo.ie yahoo.se yahoo.no yahoo.dk yahoo.pl yahoo.gr yahoo.ro yahoo.co.uk yahoo.co.in yahoo.co.id "
        "yahoo.co.th yahoo.co.za yahoo.com.br yahoo.com.ar yahoo.com.mx yahoo.com.au yahoo.com.sg yahoo.com.ph "
        "yahoo.com.vn yahoo.com.tw yahoo.com.hk yahoo.com.tr",
        _tls("imap.mail.yahoo.com"),
        _tls("smtp.mail.yahoo.com", 465),
        note=_APP_KEY.format("Yahoo"),
        connections=5,
    ),
    Preset(
        "aol",
        "aol.com aim.com aol.de aol.fr aol.co.uk verizon.net",
        _tls("imap.aol.com"),
        _tls("smtp.aol.com", 465),
        note=_APP_KEY.format("AOL"),
    ),
    Preset(
        "icloud",
        "icloud.com me.com mac.com",
        _tls("imap.mail.me.com"),
        _starttls("smtp.mail.me.com"),
        note=_APP_KEY.format("Apple"),
        imap_username=LOCAL_PART,
    ),
    Preset(
        "fastmail",
        "fastmail.com fastmail.fm fastmail.net fastmail.org fastmail.de fastmail.co.uk fastmail.us fastmail.to "
        "fastmail.cn fastmail.jp fastmail.es fastmail.in fastmail.im sent.com messagingengine.com",
        _tls("imap.fastmail.com"),
        _tls("smtp.fastmail.com", 465),
        mx="messagingengine.com",
        note=_APP_KEY.format("Fastmail"),
    ),
    Preset(
        "gmx",
        "gmx.net gmx.de gmx.at gmx.ch gmx.eu gmx.org gmx.info gmx.biz gmx.name",
        _tls("imap.gmx.net"),
        _tls("mail.gmx.net", 465),
        note=_SWITCHED_ON.format("GMX"),
    ),
    Preset(
        "gmx.com",
        "gmx.com gmx.us gmx.co.uk gmx.fr gmx.es gmx.it gmx.pt gmx.se gmx.tm gmx.li gmx.lt gmx.ca gmx.hk gmx.sg gmx.tw",
        _tls("imap.gmx.com"),
        _tls("mail.gmx.com", 465),
        note=_SWITCHED_ON.format("GMX"),
    ),
    Preset("web.de", "web.de", _tls("imap.web.de"), _starttls("smtp.web.de"), note=_SWITCHED_ON.format("WEB.DE")),
    Preset(
        "t-online",
        "t-online.de magenta.de",
        _tls("secureimap.t-online.de"),
        _tls("securesmtp.t-online.de", 465),
        note="Telekom wants the password for mail programs, which its owner makes in the customer centre.",
    ),
    Preset(
        "zoho",
        "zoho.com zohomail.com",
        _tls("imap.zoho.com"),
        _tls("smtp.zoho.com", 465),
        note=_SWITCHED_ON.format("Zoho"),
    ),
    Preset("zoho", "", _tls("imappro.zoho.com"), _tls("smtppro.zoho.com", 465), mx="zoho.com"),
    Preset(
        "zoho.eu",
        "zoho.eu zohomail.eu",
        _tls("imap.zoho.eu"),
        _tls("smtp.zoho.eu", 465),
        note=_SWITCHED_ON.format("Zoho"),
    ),
    Preset("zoho.eu", "", _tls("imappro.zoho.eu"), _tls("smtppro.zoho.eu", 465), mx="zoho.eu"),
    Preset(
        "yandex",
        "yandex.com yandex.ru yandex.by yandex.kz ya.ru",
        _tls("imap.yandex.com"),
        _tls("smtp.yandex.com", 465),
        mx="mx.yandex.net mx.yandex.ru",
        note=_APP_KEY.format("Yandex"),
    ),
    Preset(
        "mail.ru",
        "mail.ru inbox.ru list.ru bk.ru internet.ru",
        _tls("imap.mail.ru"),
        _tls("smtp.mail.ru", 465),
        mx="emx.mail.ru",
        note=_APP_KEY.format("Mail.ru"),
    ),
    Preset(
        "posteo",
        "posteo.de posteo.net posteo.at posteo.ch posteo.eu posteo.org posteo.me posteo.us posteo.co.uk",
        _tls("posteo.de"),
        _tls("posteo.de", 465),
    ),
    Preset("mailbox.org", "mailbox.org", _tls("imap.mailbox.org"), _tls("smtp.mailbox.org", 465), mx="mailbox.org"),
    Preset("freenet", "freenet.de", _tls("mx.freenet.de"), _tls("mx.freenet.de", 465)),
    Preset("runbox", "runbox.com", _tls("mail.runbox.com"), _tls("mail.runbox.com", 465), mx="runbox.com"),
    Preset("migadu", "", _tls("imap.migadu.com"), _tls("smtp.migadu.com", 465), mx="migadu.com"),
    Preset("gandi", "", _tls("mail.gandi.net"), _tls("mail.gandi.net", 465), mx="mail.gandi.net"),
    Preset("rackspace", "", _tls("secure.emailsrvr.com"), _tls("secure.emailsrvr.com", 465), mx="emailsrvr.com"),
    Preset(
        "proton",
        "proton.me protonmail.com protonmail.ch pm.me",
        None,
        mx="protonmail.ch",
        note="Proton Mail has no IMAP server; its Bridge program offers one on the owner's own computer only.",
    ),
    Preset(
        "tuta",
        "tuta.com tuta.io tutanota.com tutanota.de tutamail.com keemail.me",
        None,
        mx="tutanota.de",
        note="Tuta offers no IMAP.",
    ),
    Preset("hey", "hey.com", None, mx="hey.com", note="HEY offers no IMAP."),
)

_BY_DOMAIN = {domain: preset for preset in PRESETS for domain in preset.domains.split()}
_BY_HOST = {preset.imap.host: preset for preset in PRESETS if preset.imap}
_BY_MX = {suffix: preset for preset in PRESETS for suffix in preset.mx.split()}


def by_domain(domain: str) -> Preset | None:
    """The provider whose own domain this is."""
    return _BY_DOMAIN.get(domain.lower())


def by_exchanger(host: str) -> Preset | None:
    """The provider that a mail exchanger's name belongs to."""
    labels = host.lower().rstrip(".").split(".")
    ends = (".".join(labels[start:]) for start in range(len(labels)))
    return next((_BY_MX[end] for end in ends if end in _BY_MX), None)


def connections(host: str) -> int:
    """How many connections to one mailbox an IMAP server allows at once."""
    preset = _BY_HOST.get(host.lower())
    return preset.connections if preset else CONNECTIONS


def files_sent_mail(host: str) -> bool:
    """Whether a submission server files a copy of what is sent by it."""
    return any(preset.files_sent and preset.smtp and preset.smtp.host == host.lower() for preset in PRESETS)


def apply(preset: Preset, email: str, source: str) -> Servers | None:
    """The preset for one address; None where the provider offers no IMAP."""
    if preset.imap is None:
        return None
    found = servers(preset.imap, preset.smtp, (fill(preset.imap_username, email), email), source)
    return replace(found, provider=preset.name, note=preset.note)
