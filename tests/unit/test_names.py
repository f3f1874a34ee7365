"""Folder names between the wire and people."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap.names import Literal, decode, encode, quote


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        (b"INBOX", "INBOX"),
        (b"Entw&APw-rfe", "Entwürfe"),
        (b"A/B &- C", "A/B & C"),
        (b"INBOX.&ZeVnLIqe-", "INBOX.日本語"),
        (b"~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),  # the example of RFC 3501 §5.1.3
        (b"&2D3eAA-", "😀"),
        (b"&-&-", "&&"),
        (b"", ""),
    ],
)
def test_modified_utf7_is_decoded(wire: bytes, name: str) -> None:
    assert decode(wire) == name


@pytest.mark.parametrize("wire", ["R&D", "&", "Entw&APw", "&A-", "&!!!-", "x&2D0-", "&3gDYPQ-", "A &B C-"])
def test_what_is_no_modified_utf7_stays_as_it_was_sent(wire: str) -> None:
    assert decode(wire.encode()) == wire


def test_raw_utf8_is_read_as_such_with_its_ampersands() -> None:
    assert decode("Büro & Lager &-".encode()) == "Büro & Lager &-"


def test_raw_8_bit_that_is_no_utf8_is_read_as_latin1() -> None:
    assert decode(b"Entw\xfcrfe") == "Entwürfe"


def test_nul_becomes_what_a_database_takes() -> None:
    assert decode(b"a&AAA-b") == "a\ufffdb"


@given(st.binary(max_size=60))
def test_any_octets_decode_to_valid_text(wire: bytes) -> None:
    assert "\0" not in decode(wire)
    decode(wire).encode()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30))
def test_every_name_that_is_encoded_by_the_rfc_comes_back(name: str) -> None:
    assert decode(b"".join(map(_encoded, name))) == name


def _encoded(character: str) -> bytes:
    """RFC 3501 §5.1.3, a shift for each character, which decoders must take too."""
    if character == "&":
        return b"&-"
    if " " <= character <= "~":
        return character.encode()
    return b"&" + base64.b64encode(character.encode("utf-16-be")).rstrip(b"=").replace(b"/", b",") + b"-"


def test_a_name_goes_back_quoted() -> None:
    assert quote('a "b" \\c') == b'"a \\"b\\" \\\\c"'
    assert quote("") == b'""'


def test_a_name_that_quotes_cannot_hold_goes_back_as_a_literal() -> None:
    assert quote("Entw\xfcrfe") == Literal(b"Entw\xfcrfe")
    assert quote("two\r\nlines") == Literal(b"two\r\nlines")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])))
def test_a_name_goes_onto_the_wire_and_comes_back(name: str) -> None:
    wire = encode(name)
    assert wire.isascii()
    assert decode(wire.encode()) == name
