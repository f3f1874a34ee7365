"""Small mails for a mailbox that somebody uses: answers, doubles, attachments, some larger ones."""

import base64
import random

_PEOPLE = ("Ann <ann@example.test>", "Bob <bob@example.test>", "Çelik <celik@example.test>", "眞子 <mako@example.test>")
_WORDS = (
    "rain",
    "harvest",
    "über",
    "kettle",
    "Zürich",
    "lamp",
    "木",
    "quiet",
    "invoice",
    "letter",
    "café",
    "moon",
    "paper",
)


class Letters:
    """Makes mails, each with a Message-ID of its own unless it is a double of an earlier one."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self._name = name
        self._chance = chance
        self._count = 0
        self._last = b""

    def write(self) -> bytes:
        """The next mail."""
        if self._last and self._chance.random() < 0.04:
            return self._last  # the same bytes once more: one message in two places
        self._count += 1
        self._last = "\r\n".join([*self._head(), *self._body(), ""]).encode()
        return self._last

    def _head(self) -> list[str]:
        chance, number = self._chance, self._count
        lines = [
            f"Message-ID: <{number}.{self._name}@example.test>",
            f"From: {chance.choice(_PEOPLE)}",
            f"To: {', '.join(chance.sample(_PEOPLE, chance.randint(1, 3)))}",
            "Date: Mon, 6 Jan 2025 10:00:00 +0100",
        ]
        if chance.random() < 0.5:  # some answer mails that are gone, or were never here
            answered = chance.randint(max(1, number - 30), number + 2)
            lines.append(f"In-Reply-To: <{answered}.{self._name}@example.test>")
        subject = f"Re: {chance.choice(_WORDS)}" if chance.random() < 0.3 else self._words(3)
        return [*lines, f"Subject: {subject}"]

    def _body(self) -> list[str]:
        chance = self._chance
        if chance.random() < 0.1:
            return self._with_attachment()
        lines = 1500 if chance.random() < 0.01 else chance.randint(1, 12)
        return ["Content-Type: text/plain; charset=utf-8", "", *(self._words(8) for _ in range(lines))]

    def _with_attachment(self) -> list[str]:
        content = base64.encodebytes(self._chance.randbytes(900)).decode().replace("\n", "\r\n")
        return [
            "MIME-Version: 1.0", 'Content-Type: multipart/mixed; boundary="=b"', "",
            "--=b", "Content-Type: text/html", "", f"<p>{self._words(5)}</p>",
            "--=b", "Content-Type: image/png", "Content-Transfer-Encoding: base64",
            'Content-Disposition: attachment; filename="x.png"', "", content, "--=b--",
        ]  # fmt: skip

    def _words(self, count: int) -> str:
        return " ".join(self._chance.choices(_WORDS, k=count))
