"""HTML as text/plain: what goes beside it in outgoing mail."""

import time

import pytest

from mail.mime import plain_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("just words", "just words"),
        ("<p>One</p><p>Two\n  goes\n on</p>", "One\n\nTwo goes on"),
        ("<div>One</div><div>Two</div>", "One\nTwo"),
        ("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo"),
        ("One<br>Two<br><br>Three", "One\nTwo\n\nThree"),
        ("<ul><li>One</li><li>Two</li></ul>after", "One\nTwo\n\nafter"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<h1>Title</h1>Text", "Title\n\nText"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<style>p {}</style><script>x()</script><p>Seen", "Seen"),
        ("<p>שלום</p><p>日本 👍</p>", "שלום\n\n日本 👍"),
    ],
)
def test_lines_and_paragraphs_stay_apart(html: str, text: str) -> None:
    assert plain_text(html) == text


@pytest.mark.parametrize("piece", ["<td>", "<br>", "<div>", "<p>a", "</div>", " ", "&#10;"])
def test_what_repeats_takes_time_in_proportion(piece: str) -> None:
    began = time.process_time()
    plain_text(piece * 200_000)
    assert time.process_time() - began < 5
