from pathlib import Path

import pytest

from mail.mime import parse, visible_text
from mail.types import Parsed

DATA = Path(__file__).parents[1] / "data"


def mixed(*parts: str, kind: str = "mixed") -> bytes:
    body = "".join(f"--frontier\r\n{part}\r\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary=frontier\r\n\r\n{body}--frontier--\r\n".encode()


PLAIN = "Content-Type: text/plain\r\n\r\nplain"
HTML = "Content-Type: text/html\r\n\r\n<p>rich</p>"


def test_both_versions_of_an_alternative_are_kept() -> None:
    parsed = parse(mixed(PLAIN, HTML, kind="alternative"))

    assert (parsed.text, parsed.html, parsed.attachments) == ("plain", "<p>rich</p>", ())


def test_several_text_parts_are_joined() -> None:
    assert parse(mixed(PLAIN, PLAIN)).text == "plain\nplain"


def test_text_beside_html_is_in_the_html_too_and_escaped() -> None:
    footer = "Content-Type: text/plain\r\n\r\n-- \r\nlist <a@b>"

    parsed = parse(mixed(HTML, footer))

    assert parsed.text == "-- \nlist <a@b>"
    assert parsed.html == '<p>rich</p>\n<div style="white-space: pre-wrap">--\nlist &lt;a@b&gt;</div>'.replace(
        "--\n", "-- \n"
    )


def test_the_richer_of_two_versions_of_one_kind_wins() -> None:
    assert (
        parse(mixed(HTML, "Content-Type: text/html\r\n\r\n<p>richer</p>", kind="alternative")).html == "<p>richer</p>"
    )


def test_html_within_related_within_alternative_is_the_body() -> None:
    related = mixed(HTML, "Content-Type: image/png\r\nContent-ID: <logo>\r\n\r\nx", kind="related").decode()
    related = related.replace("frontier", "inner")

    parsed = parse(mixed(PLAIN, related, kind="alternative"))

    assert (parsed.text, parsed.html) == ("plain", "<p>rich</p>")
    assert [attachment.is_inline for attachment in parsed.attachments] == [True]


def test_format_flowed_is_left_as_it_is() -> None:
    raw = b"Content-Type: text/plain; format=flowed\r\n\r\na line \r\nthat flows\r\n> quoted \r\n"

    assert parse(raw).text == "a line \nthat flows\n> quoted \n"


@pytest.mark.parametrize(
    "encoding",
    ["7bit", "8bit", "binary", "nonsense", "", "QUOTED-PRINTABLE", '"quoted-printable"', "quoted-printable; x"],
)
def test_transfer_encodings_are_undone_and_unknown_ones_ignored(encoding: str) -> None:
    raw = f"Content-Transfer-Encoding: {encoding}\r\n\r\nsoft=\r\nbreak".encode()

    assert parse(raw).text == ("softbreak" if "printable" in encoding.lower() else "soft=\nbreak")


def test_damaged_base64_is_read_as_far_as_it_goes_and_told() -> None:
    parsed = parse(b"Content-Transfer-Encoding: base64\n\nSGVsbG8gd29ybGQhIQ==SG*!\n")
    cut = parse(b"Content-Transfer-Encoding: base64\n\nSGVsbG8gd29ybGQhI\n")

    assert parsed.text.startswith("Hello world!!")
    assert (cut.text, cut.problem) == ("Hello world!", "the encoding of the body is damaged")


@pytest.mark.parametrize(
    "raw",
    [
        b"Content-Type: multipart/mixed\r\n\r\n--found\r\n\r\ntext\r\n--found--\r\n",
        b"Content-Type: multipart/mixed; boundary=other\r\n\r\n--found\r\n\r\ntext\r\n--found--\r\n",
        b"Content-Type: multipart/mixed; boundary=open\r\n\r\n--open\r\n\r\ntext",
        b"Content-Type: multipart/mixed; boundary=\"a\"\r\n\r\npreamble\r\n--a  \r\n\r\ntext\r\n--a--\r\nepilogue",
        b"Content-Type: multipart/mixed; boundary=a\n\n--a\ntext\n--a--\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\ntext",
        b"Content-Type: multipart/mixed; boundary=a\n \n--a\nContent-Type: text/plain\n\ntext\n--a--\n",
        b"Content-Type: multipart/mixed; boundary=a\nThis is MIME.\n--a\nContent-Type: text/plain\n\ntext\n--a--\n",
        b"Content-Type: multipart/mixed; boundary=a\njunk\nX-A: b\n--a\nContent-Type: text/plain\n\ntext\n--a--\n",
        b"Content-Type: multipart/mixed\r\n\r\ntext",
        b"Content-Type: nonsense\r\n\r\ntext",
        b"Content-Type: text/plain charset=utf-8\r\n\r\ntext",
        b"Content-Type: ;;;=\r\n\r\ntext",
    ],
)  # fmt: skip
def test_broken_structure_still_gives_the_text(raw: bytes) -> None:
    assert parse(raw).text == "text"


def test_an_inner_part_may_not_be_closed() -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n"
        b"--in\n\nplain\n--out\nContent-Type: application/pdf; name=a.pdf\n\nx\n--out--\n"
    )

    parsed = parse(raw)

    assert (parsed.text, [attachment.filename for attachment in parsed.attachments]) == ("plain", ["a.pdf"])


@pytest.mark.parametrize("end", ["--in--\n", ""])
def test_text_after_an_alternative_is_no_version_of_it(end: str) -> None:
    raw = (
        "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/alternative; boundary=in\n\n"
        f"--in\n\nplain\n{end}--out\n\nfooter\n--out--\n"
    )

    assert parse(raw.encode()).text == "plain\nfooter"


def test_the_snippet_is_the_first_visible_words_on_one_line() -> None:
    assert (
        parse(b"\n\n  Hello,\r\n\r\n\tthis   is\r\nit. " + b"word " * 100).snippet
        == ("Hello, this is it. " + "word " * 100)[:100].rstrip()
    )


def test_a_snippet_of_html_leaves_out_what_is_not_seen() -> None:
    parsed = parse((DATA / "newsletter.eml").read_bytes())

    assert (
        parsed.snippet == "Spring sale starts now Hello Ada, our spring sale starts today & ends Sunday. See the offers"
    )
    assert "tracker" not in visible_text(parsed)
    assert "offers" in visible_text(parsed)


def test_visible_text_prefers_the_text_and_is_capped() -> None:
    assert visible_text(Parsed(text="words", html="<p>markup")) == "words"
    assert visible_text(Parsed(text="  ", html="<b>mark</b>up<p>more")).split() == ["markup", "more"]
    assert len(visible_text(Parsed(text="x" * 300_000))) == 200_000
    assert visible_text(Parsed()) == ""
