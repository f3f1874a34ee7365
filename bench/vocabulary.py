"""What the generated mail is about and who writes it: sentences, subjects and people, the same for a seed."""

import random
from email.header import Header

_SYLLABLES = (
    "an be con da er fu ge ha in ja kel lo mi no or pa que re sta un vor wi xa zu schrift tion ment über ça ñol ę"
)
_COMMON = "the and to of we is for in on that with not be this have it are as will from by at or can"
_SUBJECTS = (
    "Minutes of the planning meeting", "Rückfrage zum Angebot", "Compte rendu de la réunion", "来週の打ち合わせ",
    "Your order has shipped", "Rechnung für März", "Build failed on the release branch", "Приглашение на встречу",
    "Photos from the weekend", "Zażółć gęślą jaźń", "Contract draft, second version", "Newsletter",
)  # fmt: skip
_NAMES = (
    "Anna Berg", "Jürgen Groß", "Amélie Lefèvre", "山田 花子", "Seun Adeyemi", "Søren Ibsen", "Мария Иванова",
    "Patrick O'Neil", "Zofia Wójcik", "Li Wei", "Carlos Núñez", "Ruth Meyer",
)  # fmt: skip


class Vocabulary:
    """Sentences of invented words, so that mails compress about as well as real ones and share little."""

    def __init__(self, chance: random.Random) -> None:
        syllables, common = _SYLLABLES.split(), _COMMON.split()
        words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(4_000)]
        self._sentences = [
            " ".join(
                chance.choice(common) if chance.random() < 0.4 else chance.choice(words)
                for _ in range(chance.randint(5, 18))
            ).capitalize()
            + "."
            for _ in range(6_000)
        ]
        self.people = [
            (encoded(_NAMES[number % len(_NAMES)]), f"person{number}@company{number % 37}.example")
            for number in range(400)
        ]

    def sentences(self, chance: random.Random, size: int) -> list[str]:
        """About `size` characters of text."""
        return chance.choices(self._sentences, k=max(1, size // 62))

    def subject(self, chance: random.Random, number: int) -> str:
        """One of few topics, told apart by their words."""
        return f"{chance.choice(_SUBJECTS)}: {chance.choice(self._sentences)[:40].strip('. ')} {number}"


def encoded(text: str) -> str:
    """A header value, as encoded words (RFC 2047) where it has to be."""
    return text if text.isascii() else Header(text, "utf-8", maxlinelen=200).encode(linesep="\r\n")
