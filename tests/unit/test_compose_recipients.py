"""Which addresses and custom headers users may type."""

import logging

import pytest

from mail.compose import check_addresses, check_headers, new_header_id, recipients, routable
from mail.types import Address, LetterRefused
from tests.unit.letters import letter


@pytest.mark.parametrize(
    ("email", "expected"),
    [
        ("bob@x.test", "bob@x.test"),
        ("Bob.O'Neil+tag@X.Test", "Bob.O'Neil+tag@x.test"),
        (" bob@x.test ", "bob@x.test"),
        ("bob@localhost", "bob@localhost"),
        ("bob@my_host.test", "bob@my_host.test"),
        ('"bob b"@x.test', '"bob b"@x.test'),
        ("bob@bücher.example", "bob@xn--bcher-kva.example"),
        ("bob@BÜCHER.example", "bob@xn--bcher-kva.example"),
        ("bob@xn--bcher-kva.example", "bob@xn--bcher-kva.example"),
        ("bob@faß.example", "bob@xn--fa-hia.example"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
    ],
)
def test_an_address_becomes_what_smtp_takes(email: str, expected: str) -> None:
    assert routable(email) == expected
    assert check_addresses([Address("", email)]) == ()


@pytest.mark.parametrize(
    ("email", "reason"),
    [
        ("", "missing"),
        ("  ", "missing"),
        ("bob", "not of the form name@domain"),
        ("bob@", "not of the form"),
        ("@x.test", "not of the form"),
        ("bob b@x.test", "not of the form"),
        ("bob@x..test", "not of the form"),
        (".bob@x.test", "not of the form"),
        ("bob@x.test, ann@x.test", "not of the form"),
        ("Bob <bob@x.test>", "not of the form"),
        ("<bob@x.test>", "not of the form"),
        ("http://x.test", "not of the form"),
        ("bob@☃.test", "not of the form"),
        ("bob@xn--zzzz-.test", "not of the form"),
        ("bob@x.test.", "not of the form"),
        ("bob@-x.test", "domain cannot exist"),
        ("bob@[192.0.2.1]", "domain cannot exist"),
        ("bob@" + "x" * 64 + ".test", "domain cannot exist"),
        ("x" * 65 + "@x.test", "before the @ is longer than 64"),
        ("bob@" + "x.é" * 100, "longer than 254 octets"),
        ("bob@" + "x" * 1_000_000, "longer than 254 octets"),
        ("bob@x.test\r\nRCPT TO:<evil@x.test>", "line break"),
        ("bob\0@x.test", "control character"),
        ("bob\ud800@x.test", "broken Unicode"),
        ("bob@x\u2028.test", "line break"),
    ],
)
def test_a_bad_address_is_told_with_its_reason(email: str, reason: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (bad,) = check_addresses([Address("Bob", "bob@x.test"), Address("", email)])
    assert bad.address.email == email
    assert reason in bad.reason
    assert bad.reason.endswith(".")
    with pytest.raises(LetterRefused) as failed:
        routable(email)
    assert reason in str(failed.value)
    assert len(str(failed.value)) < 400
    str(failed.value).encode()
    assert not caplog.records


@pytest.mark.parametrize("name", ["a\r\nBcc: x", "a\0b", "a\ud800", "x" * 257, "a\x85b"])
def test_a_bad_name_is_told_with_its_reason(name: str) -> None:
    (bad,) = check_addresses([Address(name, "bob@x.test")])
    assert bad.reason.startswith("The name")


def test_all_bad_addresses_are_told_at_once() -> None:
    typed = [Address("", email) for email in ("a@x.test", "b", "c@x.test", "d")]
    assert [bad.address.email for bad in check_addresses(typed)] == ["b", "d"]


def test_a_thousand_addresses_are_enough() -> None:
    many = [Address("", f"{number}@x.test") for number in range(1_001)]
    assert check_addresses(many[:1_000]) == ()
    with pytest.raises(LetterRefused, match=r"can have 1,000 addresses, and this one has 1,001"):
        check_addresses(many)


def test_each_recipient_gets_a_letter_once() -> None:
    written = letter(
        to=(Address("", "a@x.test"), Address("", "b@bücher.example")),
        cc=(Address("A", "A@X.test"),),
        bcc=(Address("", "c@x.test"), Address("", "b@xn--bcher-kva.example")),
    )
    assert recipients(written) == ("a@x.test", "b@xn--bcher-kva.example", "c@x.test")


@pytest.mark.parametrize(
    ("sender", "domain"),
    [("a@x.test", "x.test"), ("a@bücher.example", "xn--bcher-kva.example"), ("nobody", "localhost.invalid")],
)
def test_a_message_id_is_new_each_time_and_in_the_senders_domain(sender: str, domain: str) -> None:
    made = {new_header_id(sender) for _ in range(100)}
    assert len(made) == 100
    assert {each.rpartition("@")[2] for each in made} == {domain}


@pytest.mark.parametrize("name", ["X-Custom", "List-Unsubscribe", "Auto-Submitted", "Precedence", "User-Agent"])
def test_other_headers_may_be_set(name: str) -> None:
    assert check_headers([(name, "grüße")]) == ()


@pytest.mark.parametrize(
    "name",
    [
        "From", "bcc", "TO", "Cc", "Sender", "Reply-To", "Subject", "Date", "Message-ID", "In-Reply-To", "References",
        "Content-Type", "content-transfer-encoding", "Content-Anything", "MIME-Version", "Received", "Return-Path",
        "DKIM-Signature", "ARC-Seal", "Resent-To", "Authentication-Results", "Delivered-To",
    ],
)  # fmt: skip
def test_headers_that_say_what_the_message_is_are_refused_by_name(name: str) -> None:
    (complaint,) = check_headers([("X-Fine", "yes"), (name, "x")])
    assert f"The header {name} cannot be set" in complaint


@pytest.mark.parametrize(
    "name", ["", "X Y", "X:Y", "Ü", "X\r\nBcc", "X\0", "Bcc ", " Bcc", "x" * 77, "X\ud800", "a" * 1_000_000]
)
def test_what_is_no_name_of_a_header_is_refused(name: str) -> None:
    (complaint,) = check_headers([(name, "x")])
    assert "is no name of a header" in complaint
    assert len(complaint) < 400
    assert "\n" not in complaint


@pytest.mark.parametrize("value", ["a\r\nBcc: x", "a\rb", "a\nb", "a\0b"])
def test_a_line_break_in_a_value_is_refused_by_name(value: str) -> None:
    assert check_headers([("X-A", value)]) == ("The value of the header 'X-A' holds a line break or NUL.",)


def test_headers_are_bounded() -> None:
    assert "longer than 8,000" in check_headers([("X-A", "x" * 8_001)])[0]
    assert check_headers([("X-A", "x")] * 100) == ()
    assert "has 101" in check_headers([("X-A", "x")] * 101)[0]
