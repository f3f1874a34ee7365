import pytest

from mail.mime import parse


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a@b>", "a@b"),
        ("\r\n <a@b>", "a@b"),
        ("< a @ b >", "a@b"),
        ("<long\r\n folded@b>", "longfolded@b"),
        ("a@b", "a@b"),
        ("<a@b> <c@d>", "a@b"),
        ("<a@b> (added by postmaster@c)", "a@b"),
        ("<[a@b]>", "[a@b]"),
        ("<a b@c>", "ab@c"),
        ("<a@b", "a@b"),
        ("<>", ""),
        ("", ""),
        ("<" + "x" * 2_000 + "@b>", "x" * 998),
    ],
)
def test_message_ids_are_read(value: str, expected: str) -> None:
    assert parse(f"Message-ID: {value}\n\n".encode()).header_id == expected


def references(references: str = "", replied: str = "", more: str = "") -> tuple[str, ...]:
    return parse(f"References: {references}\nIn-Reply-To: {replied}\n{more}\n".encode()).references


def test_references_come_first_then_the_message_replied_to_without_doubles() -> None:
    assert references("<a@x> <b@x>\r\n <a@x>", "<b@x> <c@x>") == ("a@x", "b@x", "c@x")


def test_references_without_brackets_are_words_with_an_at_sign() -> None:
    assert references("a1@x, b2@x nonsense") == ("a1@x", "b2@x")


@pytest.mark.parametrize(
    "value",
    [
        'Message from Joe Doe <joe@x.org> of "Mon, 1 Jan 2001 12:00:00." <2001@x.org>',
        "Your message of Mon, 1 Jan 2001 <2001@x.org>",
        "<2001@x.org> from Joe Doe <joe@x.org> at noon",
        "<2001@x.org> (Joe's message of Monday)",
        "2001@x.org",
    ],
)
def test_an_id_is_told_from_the_prose_around_it(value: str) -> None:
    assert references(replied=value) == ("2001@x.org",)


@pytest.mark.parametrize(
    "value", ["Message from Joe <joe@x.org>", "Message from joe@x.org of Monday", "your mail", "<>"]
)
def test_a_person_is_no_reference(value: str) -> None:
    assert references(replied=value, more="To: Joe <joe@x.org>\n") == ()


def test_a_message_does_not_refer_to_itself() -> None:
    assert references("<a@x> <own@x>", more="Message-ID: <own@x>\n") == ("a@x",)


def test_of_many_references_the_first_and_the_latest_are_kept() -> None:
    kept = references(" ".join(f"<{number}@x>" for number in range(2_000)))

    assert (len(kept), kept[0], kept[1], kept[-1]) == (500, "0@x", "1501@x", "1999@x")
