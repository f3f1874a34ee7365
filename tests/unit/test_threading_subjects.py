import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.threading import subject_key


def key(subject: str) -> int | None:
    return subject_key(subject)[0]


@pytest.mark.parametrize(
    "subject",
    [
        "Re: Plan für Mai", "RE[2]: Plan für Mai", "Re(3): plan für mai", "Re^2: Plan für Mai", "AW: Plan für Mai", "Antw: Plan für Mai", "SV: Plan für Mai",
        "VS: Plan für Mai", "Vá: Plan für Mai", "Odp: Plan für Mai", "R: Plan für Mai", "RIF: Plan für Mai", "RES: Plan für Mai", "ENC: Plan für Mai",
        "TR : Plan für Mai", "YNT: Plan für Mai", "İLT: Plan für Mai", "ATB: Plan für Mai", "Fwd: Plan für Mai", "FW: Plan für Mai", "WG: Plan für Mai",
        "VB: Plan für Mai", "VL: Plan für Mai", "回复：Plan für Mai", "答复: Plan für Mai", "转发: Plan für Mai", "Отв: Plan für Mai", "Ref: Plan für Mai",
        "Re: AW: SV: Fwd: Plan für Mai", "re:re:re:Plan für Mai", "  RE :  Plan\tfür\r\n Mai ", "Plan für Mai (fwd)",
    ],
)  # fmt: skip
def test_prefixes_of_many_languages_are_stripped(subject: str) -> None:
    assert subject_key(subject) == (key("Plan für Mai"), True)


@pytest.mark.parametrize(
    "subject", ["Research: x", "Reply", "Report: x", "re x", "Fwdx: y", "[PATCH 1/2] x", "Invoice", "1: x"]
)
def test_what_only_looks_like_a_prefix_stays(subject: str) -> None:
    assert subject_key(subject)[1] is False


def test_tags_stay_once_wherever_the_prefix_stands() -> None:
    plain = key("[list] Plan")

    assert plain == key("Re: [list] Plan") == key("[list] Re: Plan") == key("Re: [list] AW: [List] Plan")
    assert plain != key("Plan")
    assert key("[PATCH 1/2] x") != key("[PATCH 2/2] x")


@pytest.mark.parametrize("subject", ["", "   ", "Re:", "Fwd: Re: "])
def test_an_empty_subject_has_no_key(subject: str) -> None:
    assert key(subject) is None


@given(st.text(max_size=200))
def test_any_subject_has_a_key_that_fits_a_bigint_and_survives_replies(subject: str) -> None:
    found = key(subject)

    assert found is None or -(2**63) <= found < 2**63
    assert key(f"Re: {subject}") == found
