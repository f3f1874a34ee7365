import pytest

from mail.mime import parse

GREEK = "Καλημέρα κόσμε, τι κάνεις σήμερα; Όλα καλά ελπίζω."
RUSSIAN = "Здравствуйте, это обычное письмо без объявленной кодировки, отправленное старой программой."


def text(data: bytes, kind: str = "text/plain; charset=us-ascii") -> str:
    return parse(b"Content-Type: " + kind.encode() + b"\n\n" + data).text


@pytest.mark.parametrize(
    ("label", "codec", "words"),
    [
        ("utf-8", "utf-8", "Grüße 日本"),
        ("UTF8", "utf-8", "Grüße"),
        ("unicode-1-1-utf-7", "utf-7", "Grüße 日本"),
        ("utf-16", "utf-16", "Grüße"),
        ("iso-8859-1", "cp1252", "“quoted” €"),
        ("ISO_8859-1:1987", "latin-1", "Grüße"),
        ("windows-1251", "cp1251", "Привет"),
        ("cp-850", "cp850", "Grüße"),
        ("ks_c_5601-1987", "cp949", "안녕하세요 똠"),
        ("x-sjis", "cp932", "日本語①"),
        ("gb2312", "gb18030", "朱镕基"),
        ("big5", "big5", "繁體中文"),
        ("iso-2022-jp", "iso2022_jp", "日本語"),
        ("iso-2022-kr", "iso2022_kr", "안녕"),
        ("koi8-r", "koi8-r", "Привет"),
        ("tis-620", "cp874", "สวัสดี"),
        ("x-mac-roman", "mac_roman", "Grüße"),
        ("iso-8859-8-i", "iso-8859-8", "שלום"),
    ],
)
def test_declared_charsets_are_read_by_the_names_mailers_use(label: str, codec: str, words: str) -> None:
    assert text(words.encode(codec), f'text/plain; charset="{label}"') == words


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain; charset=us-ascii", "text/plain; charset=x-unknown", "text/plain; charset=zip"]
)
def test_utf8_is_recognised_without_a_true_declaration(kind: str) -> None:
    assert text(GREEK.encode(), kind) == GREEK


def test_a_wrong_declaration_gives_way_to_valid_utf8() -> None:
    assert text("日本語のメール".encode(), "text/plain; charset=iso-2022-jp") == "日本語のメール"


def test_one_cut_character_does_not_turn_utf8_into_another_charset() -> None:
    data = GREEK.encode()[:-2].replace("κ".encode(), b"\xce", 1)

    assert text(data, "text/plain; charset=utf-8").replace("\ufffd", "κ", 1).startswith("Καλημέρα κόσμε")
    assert text(data, "text/plain").startswith("Καλημέρα")


def test_latin1_declared_as_utf8_is_read_as_western() -> None:
    assert (
        text("Grüße aus Köln, schöne Tage".encode("latin-1"), "text/plain; charset=utf-8")
        == "Grüße aus Köln, schöne Tage"
    )


def test_undeclared_cyrillic_is_detected() -> None:
    assert text(RUSSIAN.encode("cp1251")) == RUSSIAN


def test_undeclared_western_text_is_windows_1252() -> None:
    assert text("naïve café – déjà vu, 5 €".encode("cp1252")) == "naïve café – déjà vu, 5 €"


def test_html_says_its_charset_itself_when_the_header_does_not() -> None:
    raw = b"Content-Type: text/html\n\n<html><meta charset='koi8-r'><p>" + "Привет".encode("koi8-r")

    assert parse(raw).html.endswith("<p>Привет")


@pytest.mark.parametrize(
    "label", ["punycode", "idna", "unicode_escape", "undefined", "hex", "../../etc", "x" * 500, "\0", ""]
)
def test_labels_that_name_no_charset_of_mail_are_not_obeyed(label: str) -> None:
    assert text(rb"\x41-abc \u0041", f'text/plain; charset="{label}"') == r"\x41-abc \u0041"


def test_nul_and_lone_surrogates_never_come_through() -> None:
    assert text(b"a\0b") == "ab"
    assert text(b"+2AA-x", "text/plain; charset=utf-7").encode() == "\ufffdx".encode()
