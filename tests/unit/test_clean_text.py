"""Text: what its author wrote. The mails are made after what lists and offices send."""

import time

import pytest

from mail.clean import Wishes, clean


def cleaned(text: str, *, closings: bool = True) -> str:
    return clean(text, Wishes(remove_conclusion_phrases=closings), is_html=False)


@pytest.mark.parametrize(
    "introduction",
    [
        "On Mon, Mar 2, 2026 at 9:15 AM Ann <ann@example.test> wrote:",
        "On Mon, Mar 2, 2026 at 9:15 AM Ann Long-Name of Somewhere\n<ann@example.test> wrote:",
        "Am 02.03.2026 um 09:15 schrieb Ann:",
        "Le lun. 2 mars 2026 à 09:15, Ann <ann@example.test> a écrit :",
        "El lun, 2 mar 2026 a las 9:15, Ann (<ann@example.test>) escribió:",
        "Ann <ann@example.test> writes:",
        "* Ann [2026-03-02 09:15]:",
        "2026年3月2日(月) 9:15 Ann <ann@example.test>:",
    ],
)
def test_what_is_quoted_goes_with_its_introduction(introduction: str) -> None:
    assert cleaned(f"Yes, at ten.\n\n{introduction}\n> Shall we meet?\n>\n> Ann\n") == "Yes, at ten."


def test_words_below_and_between_quotations_stay() -> None:
    text = "On 2 Mar 2026, Ann wrote:\n> First?\n\nYes.\n\n> Second?\n\nNo: never.\n"
    assert cleaned(text) == "Yes.\n\nNo: never."


@pytest.mark.parametrize(
    "separator",
    [
        "-----Original Message-----\nFrom: Ann\nSent: Monday",
        "________________________________\nFrom: Ann <ann@example.test>\nSent: Monday, 2 March\nTo: Bob\nSubject: Tea",
        "From: Ann [mailto:ann@example.test]\nSent: Monday, 2 March\nTo: Bob\nSubject: Tea",
        "*Von:* Ann\n*Gesendet:* Montag\n*An:* Bob\n*Betreff:* Tee",
        "----- 原始邮件 -----\n发件人: Ann\n收件人: Bob\n主题: 茶",
        "On Mon, Mar 2, 2026 at 9:15 AM Ann <ann@example.test> wrote:",
    ],
)
def test_what_comes_below_a_separator_goes(separator: str) -> None:
    assert cleaned(f"Yes, at ten.\n\n{separator}\n\nShall we meet?\nAnn\n") == "Yes, at ten."


def test_what_is_forwarded_stays() -> None:
    text = (
        "See below.\n\n---------- Forwarded message ---------\nFrom: Ann\nDate: Monday\nSubject: Tea\nTo: Bob\n\nCome!"
    )
    assert cleaned(text) == text


def test_what_is_nothing_but_a_quotation_stays() -> None:
    assert cleaned("> Shall we meet?\n") == "> Shall we meet?"


@pytest.mark.parametrize(
    "end",
    [
        "-- \nBob Jones\nHead of Tea\n+1 555 0100",
        "Sent from my iPhone",
        "Gesendet von meinem Telefon",
        "_______________________________________________\ntea mailing list\ntea@lists.example.test\nhttp://x/listinfo/tea",
        "--\nYou received this message because you are subscribed to the group.\nTo unsubscribe, write.",
    ],
)
def test_signatures_and_footers_go(end: str) -> None:
    assert cleaned(f"Yes, at ten.\n\n{end}\n", closings=False) == "Yes, at ten."


@pytest.mark.parametrize(
    "closing",
    [
        "Best regards,\nBob",
        "Thanks, Bob",
        "Mit freundlichen Grüßen\nBob Jones\nLeiter",
        "Cheers,\n\nBob",
        "Saludos,\nBob",
    ],
)
def test_closing_phrases_go_when_that_is_wished(closing: str) -> None:
    assert cleaned(f"Yes, at ten.\n\n{closing}\n") == "Yes, at ten."
    assert cleaned(f"Yes, at ten.\n\n{closing}\n", closings=False) == f"Yes, at ten.\n\n{closing}"


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for the figures, they are what I wanted.\nShall we meet?",
        "Best of all is the third one.",
        "- one\n- two\n- three",
        "Best regards to your wife, and tell her that we would be glad to see both of you in the summer.",
        "The parts are:\n\n  a lid\n  a pot",
        "From here it is far.\nTo: see it, take a map.",
        "--- a/tea.c\n+++ b/tea.c\n@@ -1 +1 @@\n-old\n+new",
        "He wrote:\nyes.",
    ],
)
def test_an_authors_words_stay(text: str) -> None:
    assert cleaned(text) == text


@pytest.mark.parametrize(
    "text",
    [
        ">" * 1_000_000,
        "> x\nOn 10:00 a@b:\n" * 60_000,
        "On " + "a " * 500_000 + ":",
        "On On " * 100_000 + "wrote:",
        ("On " + "x" * 150 + " 10:00:\n") * 6_000,
        ("Il Il " + ". " * 90 + ":\n") * 6_000,
        "From:\n" * 200_000,
        "--\n" * 300_000,
        " \n" * 500_000,
        "_" * 1_000_000,
    ],
)
def test_hostile_text_takes_less_than_a_second(text: str) -> None:
    begin = time.process_time()
    cleaned(text)
    assert time.process_time() - begin < 1
