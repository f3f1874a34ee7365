import time

import pytest

from mail.search.vector import vector
from mail.search.words import terms


def lexemes(text: str) -> list[str]:
    return [lexeme for term in terms(text) for lexeme in term.lexemes]


@pytest.mark.parametrize(
    ("written", "searched"),
    [
        ("CAFÉ", "cafe"), ("cafe\u0301", "café"), ("Straße", "STRASSE"), ("ﬁle", "file"), ("Ｆｕｌｌ", "full"), ("Łódź", "lodz"),
        ("Smørrebrød", "smorrebrod"), ("ｶﾞｲﾄﾞ", "ガイド"), ("co\u00adoperate", "cooperate"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("שָׁלוֹם", "שלום"),
    ],
)  # fmt: skip
def test_what_a_searcher_does_not_type_makes_no_difference(written: str, searched: str) -> None:
    assert lexemes(written) == lexemes(searched) != []


def test_a_japanese_dakuten_spells_another_word() -> None:
    assert lexemes("かき") != lexemes("かぎ")


def test_vowel_signs_do_not_cut_a_hindi_word() -> None:
    assert lexemes("हिन्दी में") == ["हिन्दी", "में"]


def test_a_text_without_spaces_becomes_overlapping_pairs() -> None:
    assert lexemes("日本語 mail") == ["日本", "本語", "語", "mail"]


def test_an_address_is_known_whole_and_by_its_parts() -> None:
    (term,) = terms("<Ann.Lee+lists@Mail.Example.test>")
    assert term.whole == "ann.lee+lists@mail.example.test"
    assert term.lexemes == ("ann", "lee", "lists", "mail", "example", "test")


def test_a_hyphenated_word_is_known_without_its_hyphens_too() -> None:
    (term,) = terms("Follow-up")
    assert term == (("follow", "up"), "followup", False)


def test_paths_and_numbers_are_read_word_by_word() -> None:
    assert lexemes("http://example.test/a/b?x=1 3.14 it's snake_case") == [
        "http", "example", "test", "a", "b", "x", "1", "3", "14", "it", "s", "snake", "case",
    ]  # fmt: skip


def test_what_nobody_types_is_left_out() -> None:
    base64 = "TWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsuTWFueSBoYW5kcyBtYWtlIGxpZ2h0IHdvcmsu"
    assert vector([("D", f"before {base64}\n{'x' * 70} after")]) == "'before':4010D 'after':4011D"


def test_quotes_and_backslashes_cannot_break_the_literal() -> None:
    assert vector([("D", r"o'neil@example.test a\'b")]).startswith("'o''neil@example.test':4010D ")


def test_the_same_position_is_shared_by_a_whole_and_its_first_part() -> None:
    assert vector([("A", "e-mail now")]) == "'email':1A 'e':1A 'mail':2A 'now':3A"


def test_no_text_takes_quadratic_time() -> None:
    began = time.monotonic()
    for hostile in (
        "a." * 100_000,
        "a@" * 100_000,
        "a-" * 100_000,
        "a" * 200_000,
        "日" * 200_000,
        "'" * 200_000,
        "\u0301" * 200_000,
    ):
        vector([("D", hostile)])
    assert time.monotonic() - began < 20
