"""Presets, SRV records and mail exchangers, with a real name server of the test's own."""

import socketserver
import threading
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from dns.resolver import Resolver

from accounts import detect as detection
from accounts import presets
from accounts.detect import DetectionFailed, detect

Zone = dict[tuple[str, str], list[str]]


class NameServer(socketserver.ThreadingUDPServer):
    """Answers from `zone`, (name without final dot, type) -> records; NXDOMAIN for the rest. `silent` names get no answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.zone: Zone = {}
        self.silent: set[str] = set()
        self.questions: list[tuple[str, str]] = []


class _Answer(socketserver.BaseRequestHandler):
    server: NameServer

    def handle(self) -> None:
        data, connection = self.request
        query = dns.message.from_wire(data)
        question = query.question[0]
        key = (question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name)
        self.server.questions.append(key)
        if key[0] in self.server.silent:
            return
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if records := self.server.zone.get(key):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", key[1], *records))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        connection.sendto(answer.to_wire(), self.client_address)


@pytest.fixture
def server() -> Iterator[NameServer]:
    with NameServer() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def resolver(server: NameServer) -> Resolver:
    resolver = Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = server.server_address[1]
    resolver.timeout = 1
    return resolver


def test_a_preset_answers_without_any_network(server: NameServer, resolver: Resolver) -> None:
    found = detect("Ann@GMail.com", resolver=resolver, urls=())
    assert (found.imap_host, found.imap_port, found.imap_security) == ("imap.gmail.com", 993, "tls")
    assert (found.smtp_host, found.smtp_port, found.smtp_security) == ("smtp.gmail.com", 465, "tls")
    assert (found.source, found.provider) == ("preset", "gmail")
    assert found.imap_username.lower() == "ann@gmail.com"
    assert "app password" in found.note
    assert server.questions == []


def test_icloud_wants_the_part_before_the_at_for_imap_alone() -> None:
    found = detect("ann.smith@icloud.com")
    assert (found.imap_username, found.smtp_username) == ("ann.smith", "ann.smith@icloud.com")


@pytest.mark.parametrize("email", ["ann@proton.me", "ann@tuta.com", "ann@hey.com"])
def test_a_provider_without_imap_is_named_as_such(email: str) -> None:
    with pytest.raises(DetectionFailed, match=f"{email} cannot be connected.*IMAP"):
        detect(email)


def test_every_preset_is_whole_and_no_domain_is_listed_twice() -> None:
    for kind in ("domains", "mx"):
        words = [word for preset in presets.PRESETS for word in getattr(preset, kind).split()]
        assert len(words) == len(set(words))
        assert all(word == word.lower() and "." in word for word in words)
    for preset in presets.PRESETS:
        assert preset.note or preset.imap, preset.name
        assert preset.domains or preset.mx, preset.name
        if preset.imap:
            assert (preset.imap.port, preset.imap.security) == (993, "tls")
            assert preset.smtp
            assert (preset.smtp.port, preset.smtp.security) in {(465, "tls"), (587, "starttls")}


def test_srv_records_name_both_servers(server: NameServer, resolver: Resolver) -> None:
    server.zone = {
        ("_imaps._tcp.example.test", "SRV"): ["0 1 1993 Mail.Example.test."],
        ("_submissions._tcp.example.test", "SRV"): ["0 1 465 out.example.test."],
    }
    found = detect("ann@example.test", resolver=resolver, urls=())
    assert (found.imap_host, found.imap_port, found.imap_security) == ("mail.example.test", 1993, "tls")
    assert (found.smtp_host, found.smtp_port, found.smtp_security) == ("out.example.test", 465, "tls")
    assert (found.source, found.imap_username) == ("srv", "ann@example.test")


def test_of_srv_records_the_lowest_priority_wins(server: NameServer, resolver: Resolver) -> None:
    server.zone = {
        ("_imaps._tcp.example.test", "SRV"): ["20 100 993 late.example.test.", "10 0 993 first.example.test."]
    }
    assert {detect("ann@example.test", resolver=resolver, urls=()).imap_host for _ in range(5)} == {
        "first.example.test"
    }


def test_within_a_priority_the_weight_decides_the_share(server: NameServer, resolver: Resolver) -> None:
    server.zone = {("_imaps._tcp.example.test", "SRV"): ["1 9999 993 big.example.test.", "1 1 993 small.example.test."]}
    hosts = [detect("ann@example.test", resolver=resolver, urls=()).imap_host for _ in range(20)]
    assert hosts.count("big.example.test") > 10


def test_a_target_of_a_dot_means_not_offered(server: NameServer, resolver: Resolver) -> None:
    server.zone = {
        ("_imaps._tcp.example.test", "SRV"): ["0 0 0 ."],
        ("_imap._tcp.example.test", "SRV"): ["0 1 143 mail.example.test."],
        ("_submissions._tcp.example.test", "SRV"): ["0 0 0 ."],
    }
    found = detect("ann@example.test", resolver=resolver, urls=())
    assert (found.imap_host, found.imap_port, found.imap_security) == ("mail.example.test", 143, "starttls")
    assert (found.smtp_host, found.smtp_port) == ("", 0)


@pytest.mark.parametrize(
    ("exchanger", "provider", "imap"),
    [
        ("aspmx.l.google.com.", "gmail", "imap.gmail.com"),
        ("example-test.mail.protection.outlook.com.", "office365", "outlook.office365.com"),
        ("in1-smtp.messagingengine.com.", "fastmail", "imap.fastmail.com"),
        ("mx.zoho.eu.", "zoho.eu", "imappro.zoho.eu"),
    ],
)
def test_a_hosted_domain_is_known_by_its_preferred_exchanger(
    server: NameServer, resolver: Resolver, exchanger: str, provider: str, imap: str
) -> None:
    server.zone = {("example.test", "MX"): [f"5 {exchanger}", "50 backup.example.test."]}
    found = detect("ann@example.test", resolver=resolver, urls=())
    assert (found.source, found.provider, found.imap_host) == ("mx", provider, imap)
    assert found.imap_username == "ann@example.test"


def test_an_exchanger_that_only_ends_alike_is_no_provider() -> None:
    assert presets.by_exchanger("mx.notgoogle.com.") is None
    assert presets.by_exchanger("google.com.evil.example") is None
    assert presets.by_exchanger("") is None


def test_srv_records_come_before_the_exchanger(server: NameServer, resolver: Resolver) -> None:
    server.zone = {
        ("_imaps._tcp.example.test", "SRV"): ["0 1 993 own.example.test."],
        ("example.test", "MX"): ["1 aspmx.l.google.com."],
    }
    assert detect("ann@example.test", resolver=resolver, urls=()).imap_host == "own.example.test"


def test_where_nothing_is_found_the_words_say_what_was_tried_and_the_cure(
    server: NameServer, resolver: Resolver
) -> None:
    with pytest.raises(DetectionFailed, match=r"example\.test \(no SRV records; no mail exchanger\).*give imap_host"):
        detect("ann@example.test", resolver=resolver, urls=())
    assert ("_imap._tcp.example.test", "SRV") in server.questions


@pytest.fixture
def _short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "_SRV_LIMIT", 0.3)
    monkeypatch.setattr(detection, "_MX_LIMIT", 0.3)


@pytest.mark.usefixtures("_short_limits")
def test_a_silent_name_server_costs_no_more_than_the_limits(server: NameServer, resolver: Resolver) -> None:
    server.silent = {"_imaps._tcp.example.test", "example.test"}
    began = time.monotonic()
    with pytest.raises(DetectionFailed, match="resolution lifetime expired"):
        detect("ann@example.test", resolver=resolver, urls=())
    assert time.monotonic() - began < 2.5


@pytest.mark.usefixtures("_short_limits")
def test_a_name_server_that_keeps_silent_on_srv_is_still_asked_for_the_exchanger(
    server: NameServer, resolver: Resolver
) -> None:
    server.silent = {"_imaps._tcp.example.test"}
    server.zone = {("example.test", "MX"): ["1 aspmx.l.google.com."]}
    assert detect("ann@example.test", resolver=resolver, urls=()).imap_host == "imap.gmail.com"


def test_a_domain_in_unicode_is_asked_for_in_ascii(server: NameServer, resolver: Resolver) -> None:
    server.zone = {("_imaps._tcp.xn--bcher-kva.test", "SRV"): ["0 1 993 mail.example.test."]}
    assert detect("ann@bücher.test", resolver=resolver, urls=()).imap_host == "mail.example.test"


@pytest.mark.parametrize(
    "email",
    [
        *("ann", "@example.test", "ann@", "ann@" + "x" * 64 + ".test", "ann@a..b", "ann@localhost", "ann@.test"),
        *("ann@evil.example:8443/x#", "ann@evil.example/x", "ann@evil.example?x", "ann@[127.0.0.1]", "ann@a.test\n"),
        *("ann@a b.test", "ann@%2e.test", "ann@{email}.test", "ann@a\\.test", "ann@a\uff0fb.test", "ann@a.test\0"),
    ],
)
def test_what_is_no_address_is_refused_in_words(server: NameServer, email: str, resolver: Resolver) -> None:
    with pytest.raises(DetectionFailed, match="not an e-mail address"):
        detect(email, resolver=resolver, urls=())
    assert server.questions == []
