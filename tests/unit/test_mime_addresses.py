import pytest

from mail.mime import parse
from mail.types import Address


def to(value: str | bytes) -> list[tuple[str, str]]:
    raw = value if isinstance(value, bytes) else value.encode()
    return [(address.name, address.email) for address in parse(b"To: " + raw + b"\n\nhi").to]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("jane@example.org", [("", "jane@example.org")]),
        ("Jane Doe <jane@example.org>", [("Jane Doe", "jane@example.org")]),
        ("<jane@example.org>", [("", "jane@example.org")]),
        ('"Doe, Jane" <jane@example.org>, bob@example.org', [("Doe, Jane", "jane@example.org"), ("", "bob@example.org")]),
        (r'"Jane \"JD\" Doe" <jane@example.org>', [('Jane "JD" Doe', "jane@example.org")]),
        (r'"Jane \\" <jane@example.org>', [("Jane \\", "jane@example.org")]),
        ("jane@example.org (Jane Doe)", [("Jane Doe", "jane@example.org")]),
        ("jane@example.org (Jane (the boss) Doe)", [("Jane (the boss) Doe", "jane@example.org")]),
        ("Jane (from work) <jane@example.org>", [("Jane", "jane@example.org")]),
        ("Jane <jane(at work)@example.org(the host)>", [("Jane", "jane@example.org")]),
        ("Team: a@example.org, B <b@example.org>;, c@example.org", [("", "a@example.org"), ("B", "b@example.org"), ("", "c@example.org")]),
        ("undisclosed-recipients:;", []),
        ("a@example.org; b@example.org", [("", "a@example.org"), ("", "b@example.org")]),
        ("=?utf-8?q?J=C3=B6rg?= <j@example.org>", [("Jörg", "j@example.org")]),
        ('"=?utf-8?q?J=C3=B6rg?=" <j@example.org>', [("Jörg", "j@example.org")]),
        ("=?utf-8?q?M=C3=BCller=2C?= Jo <j@example.org>", [("Müller, Jo", "j@example.org")]),
        ("=?utf-8?b?SsO2cmcgPGpAZXhhbXBsZS5vcmc+?=", [("Jörg", "j@example.org")]),
        ("Jörg <j@example.org>", [("Jörg", "j@example.org")]),
        ("用户@例子.广告", [("", "用户@例子.广告")]),
        ('"john doe"@example.org', [("", '"john doe"@example.org')]),
        ("John Doe <@relay.example,@b.example:john@example.org>", [("John Doe", "john@example.org")]),
        ("john @ example.org", [("", "john@example.org")]),
        ("jane@mail . example.org", [("", "jane@mail.example.org")]),
        ("root", [("", "root")]),
        ("The Printer", [("The Printer", "")]),
        ("<mailto:jane@example.org>", [("", "jane@example.org")]),
        ("'jane@example.org' <jane@example.org>", [("'jane@example.org'", "jane@example.org")]),
        ("Jane\r\n Doe\r\n\t<jane@example.org>,\r\n bob@example.org", [("Jane Doe", "jane@example.org"), ("", "bob@example.org")]),
    ],
)  # fmt: skip
def test_addresses_are_read_as_written(value: str, expected: list[tuple[str, str]]) -> None:
    assert to(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Jane <jane@example.org", [("Jane", "jane@example.org")]),
        ("Jane jane@example.org>", [("Jane", "jane@example.org")]),
        ("<<jane@example.org>>", [("", "jane@example.org")]),
        ('"Jane <jane@example.org>', [("Jane", "jane@example.org")]),
        ("Jane <>", [("Jane", "")]),
        ("<>", []),
        (",,;,", []),
        ("Doe, Jane <jane@example.org>", [("Doe, Jane", "jane@example.org")]),
        ("root, bob@example.org", [("", "root"), ("", "bob@example.org")]),
        ('"', []),
    ],
)
def test_of_broken_addresses_what_can_be_read_is(value: str, expected: list[tuple[str, str]]) -> None:
    assert to(value) == expected


def test_raw_latin1_names_are_read() -> None:
    assert to("Jörg Müller <j@example.org>".encode("latin-1")) == [("Jörg Müller", "j@example.org")]


def test_repeated_headers_are_joined_but_the_first_sender_wins() -> None:
    parsed = parse(b"To: a@x.org\nTo: b@x.org\nCc: c@x.org\nCC: d@x.org\nFrom: e@x.org\nFrom: f@x.org\n\n")

    assert [address.email for address in parsed.to] == ["a@x.org", "b@x.org"]
    assert [address.email for address in parsed.cc] == ["c@x.org", "d@x.org"]
    assert parsed.from_ == (Address("", "e@x.org"),)


def test_thousands_of_recipients_are_listed_up_to_the_limit_and_the_rest_is_told() -> None:
    parsed = parse(b"To: " + b",\r\n ".join(b"user%d@example.org" % n for n in range(3_000)) + b"\r\n\r\n")

    assert len(parsed.to) == 2_000
    assert parsed.to[1_999].email == "user1999@example.org"
    assert parsed.problem == "only the first addresses of To are listed"
