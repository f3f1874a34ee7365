"""Contents are taken out of JSON as json.loads() would have read them, and decoded as base64 would have them."""

import base64
import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import base64_strings
from api.base64_strings import PIECE, Encoded, decode, take_out
from api.contents import Room
from api.errors import InvalidRequest, TooLarge

TEXTS = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["content", '"content":"', "\\", '"', "é" * 9]
)
VALUES = st.recursive(
    TEXTS | st.booleans(),
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS | st.just("content"), inner),
    max_leaves=9,
)


@pytest.fixture(autouse=True)
def all_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base64_strings, "LONG", 1)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_is_taken_out_and_put_back_is_the_whole(value: Any, ascii_only: bool, indent: int | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode()
    rest, taken = take_out(text)

    def put_back(members: dict[str, Any]) -> dict[str, Any]:
        match members.get("content"):
            case [int(number)] if not isinstance(number, bool):
                found = taken.pop(number)
                members["content"] = json.loads(text[found.start : found.stop])
        return members

    assert json.loads(rest, object_hook=put_back) == value
    assert not taken


@given(st.binary(max_size=200), st.integers(0, 8), st.integers(0, 8))
def test_a_content_is_decoded_wherever_its_pieces_are_cut(content: bytes, more: int, width: int) -> None:
    """Escapes and line breaks fall on the cuts."""
    encoded = base64.b64encode(bytes(PIECE * 3 // 4 - 3) + bytes(more) + content).decode()
    lines = "\r\n".join([encoded[: PIECE - width], encoded[PIECE - width :]])
    text = json.dumps(lines).replace("/", "\\/").replace("+", "\\u002b").encode()
    assert decode(Encoded(text, 0, len(text)), Room(10**6, ""), "x") == base64.b64decode(encoded)


@pytest.mark.parametrize(
    "text", ["a", "ab", "abc", "ab=", "a===", "=", "YQ==YQ==", "YQ=", "Y Q = = =", "YR==\x00", "Y\u00e9=="]
)
@pytest.mark.parametrize("before", [0, PIECE, PIECE - 4])
def test_what_is_no_base64_is_refused(text: str, before: int) -> None:
    written = json.dumps("A" * before + text).encode()
    with pytest.raises(InvalidRequest, match="x is not base64"):
        decode(Encoded(written, 0, len(written)), Room(10**6, ""), "x")


@pytest.mark.parametrize(
    "piece", [b'"', b'\\"', b'"content":"', b'"content" ', b'{"content":"x"},', b'"content', b" ", b"[", b'"\\', b'"",']
)
@pytest.mark.parametrize("before", [b"", b'"', b'"content":"'])
def test_hostile_text_is_looked_through_in_a_time_that_its_length_bounds(before: bytes, piece: bytes) -> None:
    text = before + piece * (8_000_000 // len(piece))
    began = time.process_time()
    with contextlib.suppress(TooLarge):
        take_out(text)
    assert time.process_time() - began < 5
