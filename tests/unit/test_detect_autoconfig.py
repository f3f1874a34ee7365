"""Autoconfiguration files from a real HTTPS server of the test's own."""

import http.server
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from accounts import autoconfig
from accounts.autoconfig import Unusable, read
from accounts.https import FetchFailed, fetch

CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1"><emailProvider id="example.test">
  <incomingServer type="pop3"><hostname>pop.example.test</hostname><port>995</port><socketType>SSL</socketType></incomingServer>
  <incomingServer type="imap"><hostname>plain.example.test</hostname><port>143</port><socketType>plain</socketType></incomingServer>
  <incomingServer type="imap"><hostname>imap.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%</username></incomingServer>
  <outgoingServer type="smtp"><hostname>smtp.example.test</hostname><port>587</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username></outgoingServer>
</emailProvider></clientConfig>"""

Reply = Callable[[http.server.BaseHTTPRequestHandler], None]


class Website(http.server.ThreadingHTTPServer):
    """An HTTPS server; `pages` maps paths to what answers them."""

    daemon_threads = True

    def __init__(self, authority: trustme.CA) -> None:
        super().__init__(("127.0.0.1", 0), _Page)
        self.pages: dict[str, Reply] = {}
        self.asked: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.root = f"https://localhost:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are part of the tests."""


class _Page(http.server.BaseHTTPRequestHandler):
    server: Website

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.pages.get(self.path.partition("?")[0], missing)(self)

    def log_message(self, *_: Any) -> None:
        pass


def missing(page: http.server.BaseHTTPRequestHandler) -> None:
    page.send_error(404)


def sends(body: str | bytes) -> Reply:
    def reply(page: http.server.BaseHTTPRequestHandler) -> None:
        page.send_response(200)
        page.end_headers()
        page.wfile.write(body.encode() if isinstance(body, str) else body)

    return reply


def leads_to(url: str) -> Reply:
    def reply(page: http.server.BaseHTTPRequestHandler) -> None:
        page.send_response(302)
        page.send_header("Location", url)
        page.end_headers()

    return reply


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def website(authority: trustme.CA, settings: Any) -> Iterator[Website]:
    settings.SYNCFARM_TRUSTED_HOSTS = ["localhost"]
    with Website(authority) as website:
        thread = threading.Thread(target=website.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield website
        website.shutdown()
        thread.join(10)


def test_a_file_names_servers_and_user_names() -> None:
    found = read(CONFIG.encode(), "ann.smith@example.test")
    assert (found.imap_host, found.imap_port, found.imap_security) == ("imap.example.test", 993, "tls")
    assert (found.smtp_host, found.smtp_port, found.smtp_security) == ("smtp.example.test", 587, "starttls")
    assert (found.imap_username, found.smtp_username) == ("ann.smith", "ann.smith@example.test")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"<html><body>Welcome!<br></body></html>", "XML"),
        (b"", "XML"),
        (b"\xff\xfe\x00", "XML"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "XML"),
        (b"<clientConfig/>", "no IMAP server with TLS"),
        (CONFIG.replace("SSL", "plain").encode(), "no IMAP server with TLS"),
        (CONFIG.replace("993", "99993").encode(), "no IMAP server with TLS"),
        (CONFIG.replace("imap.%EMAILDOMAIN%", "a b/../c").encode(), "no IMAP server with TLS"),
        (CONFIG.replace("<clientConfig", "<!DOCTYPE clientConfig><clientConfig").encode(), "DOCTYPE"),
        (
            CONFIG.replace(
                "<clientConfig", '<!DOCTYPE c [<!ENTITY e SYSTEM "file:///etc/passwd">]><clientConfig'
            ).encode(),
            "DOCTYPE",
        ),
        (CONFIG.replace('"UTF-8"?>', '"UTF-16"?><!DOCTYPE a>').encode("utf-16"), "DOCTYPE"),
    ],
)
def test_a_file_that_is_of_no_use_says_why(document: bytes, why: str) -> None:
    with pytest.raises(Unusable, match=why):
        read(document, "ann@example.test")


def test_the_first_usable_file_wins_and_the_failures_before_it_are_kept(
    website: Website, context: ssl.SSLContext
) -> None:
    website.pages = {"/second": sends("<clientConfig/>"), "/third": sends(CONFIG)}
    urls = [f"{website.root}{path}" for path in ("/first?emailaddress={email}", "/second", "/third", "/never")]
    found, failures = autoconfig.find("ann+x@example.test", 10, urls, context)
    assert found is not None
    assert found.source == "autoconfig"
    assert website.asked == ["/first?emailaddress=ann%2Bx%40example.test", "/second", "/third"]
    assert failures == ["localhost: answers 404", "it names no IMAP server with TLS"]


def test_only_the_domain_itself_learns_the_address() -> None:
    assert [url for url in autoconfig.URLS if "{email}" in url] == [autoconfig.URLS[0]]
    assert all(url.startswith("https://") for url in autoconfig.URLS)


def test_redirects_are_followed(website: Website, context: ssl.SSLContext) -> None:
    website.pages = {"/a": leads_to("/b"), "/b": leads_to(f"{website.root}/c"), "/c": sends("here")}
    assert fetch(f"{website.root}/a", 10, context) == b"here"


def test_a_redirect_in_a_circle_ends(website: Website, context: ssl.SSLContext) -> None:
    website.pages = {"/a": leads_to("/a")}
    with pytest.raises(FetchFailed, match="too many redirects"):
        fetch(f"{website.root}/a", 10, context)
    assert len(website.asked) == 4


@pytest.mark.parametrize(
    "target",
    ["http://localhost/", "file:///etc/passwd", "https://user@localhost/", "https://[::1/", "https://localhost:99999/"],
)
def test_a_redirect_away_from_https_is_refused(website: Website, context: ssl.SSLContext, target: str) -> None:
    website.pages = {"/a": leads_to(target)}
    with pytest.raises(FetchFailed):
        fetch(f"{website.root}/a", 10, context)
    assert website.asked == ["/a"]


def test_a_redirect_into_the_private_network_is_refused(website: Website, context: ssl.SSLContext) -> None:
    website.pages = {"/a": leads_to(website.root.replace("localhost", "127.0.0.1") + "/b"), "/b": sends("secret")}
    with pytest.raises(FetchFailed, match="no address on the public internet"):
        fetch(f"{website.root}/a", 10, context)
    assert website.asked == ["/a"]


def test_a_private_host_is_refused_unless_trusted(website: Website, context: ssl.SSLContext, settings: Any) -> None:
    settings.SYNCFARM_TRUSTED_HOSTS = []
    with pytest.raises(FetchFailed, match="no address on the public internet"):
        fetch(f"{website.root}/a", 10, context)
    assert website.asked == []


def test_an_untrusted_certificate_is_refused(website: Website) -> None:
    with pytest.raises(FetchFailed, match="certificate is not trusted"):
        fetch(f"{website.root}/a", 10, ssl.create_default_context())


def test_a_body_without_end_is_cut(website: Website, context: ssl.SSLContext) -> None:
    website.pages = {"/a": sends(b"x" * 1_000_000)}
    with pytest.raises(FetchFailed, match="sends more than 256 kB"):
        fetch(f"{website.root}/a", 10, context)


@pytest.mark.parametrize("part", ["header", "body"])
def test_a_server_that_drips_costs_no_more_than_the_limit(website: Website, context: ssl.SSLContext, part: str) -> None:
    over = threading.Event()

    def drip(page: http.server.BaseHTTPRequestHandler) -> None:
        if part == "body":
            page.send_response(200)
            page.end_headers()
        while not over.wait(0.05):
            page.wfile.write(b"x")

    website.pages = {"/a": drip}
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="no answer in time"):
        fetch(f"{website.root}/a", 1, context)
    over.set()
    assert time.monotonic() - began < 5
