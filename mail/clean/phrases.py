"""How mail programs introduce what they quote, and how authors close, in many languages.

mail-parser-reply knows the words of 13 languages, and is asked about a line or two at a time: its own way through a
whole mail loses the words of who writes below or between what is quoted, which is every fifth reply to a list.
"""

import re

from mailparser_reply.constants import MAIL_LANGUAGES

LINE = 200  # characters of a line that is compared: longer ones are an author's
SHORT = 80  # characters of a line that closes
NAME_WORDS = 5

_LANGUAGES = [each for each in MAIL_LANGUAGES.values() if each.get("wrote_header")]
_WROTE = re.compile("|".join(f"(?:{each['wrote_header']})" for each in _LANGUAGES), re.IGNORECASE | re.MULTILINE)
# A line before a quotation that ends in a colon and has a time, an address or such a verb.
_TOLD = re.compile(
    r"@|\b\d{1,2}[:.]\d\d\b|\b(?:19|20)\d\d\b|\b(?:wrote|writes|said|says|schrieb|schreef|skrev|escribió|escreveu|scritto|"
    r"написал\w*|napisał\w*|napsal\w*)\b|écrit|写道|님이",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(
    r"-{3,}\s*(?:original (?:message|appointment)|ursprüngliche nachricht|message d.origine|mensaje original|"
    r"messaggio originale|mensagem original|oorspronkelijk bericht|oprindelig meddelelse|ursprungligt meddelande|"
    r"исходное сообщение|原始邮件|original-nachricht)\s*-{3,}",
    re.IGNORECASE,
)
_FORWARD = re.compile(
    r"-{2,}\s*(?:forwarded|weitergeleitete|message transféré|mensaje reenviado|messaggio inoltrato|doorgestuurd|"
    r"mensagem encaminhada|begin forwarded|vidarebefordra|пересылаемое|转发)|begin forwarded message|"
    r"start of forwarded|anfang der weitergeleiteten|début du message",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\W{0,3}(?:from|von|de|da|van|från|fra|od|от|发件人|差出人|보낸\s?사람)\W{0,3}\s?[:：]", re.IGNORECASE
)
_FIELD = re.compile(
    r"(?:^|\n)\W{0,3}(?:sent|date|to|cc|subject|gesendet|datum|an|betreff|envoyé|"
    r"à|objet|enviado(?: el)?|para|asunto|fecha|inviato|data|a|oggetto|verzonden|aan|onderwerp|skickat|till|"
    r"ämne|sendt|til|emne|wysłano|do|temat|odesláno|komu|předmět|дата|кому|тема|发送时间|收件人|主题|日時|宛先|件名|받는\s?사람|제목)\W{0,3}\s?[:：]",
    re.IGNORECASE,
)
_SENT_FROM = re.compile("|".join(each["sent_from"] for each in _LANGUAGES if each["sent_from"]), re.IGNORECASE)
_WIDE = {"/\\w+", "Tak"}  # Swedish and Danish closings that begin much else
_MORE = [
    "regards", "best", "best wishes", "thanks", "thank you", "many thanks", "thanks again", "thanks in advance",
    "cheers", "sincerely", "sincerely yours", "yours sincerely", "yours truly", "yours", "warm regards", "with regards",
    "thanks and regards", "thanks and best regards", "thanks & regards", "kind regards", "very respectfully", "warmly",
    "cordially", "respectfully", "take care", "br", "rgds", "mfg", "lg", "vg", "bien cordialement", "saludos cordiales",
    "un abrazo", "distinti saluti", "groeten", "abraços", "atenciosamente", "с уважением",
]  # fmt: skip
_KNOWN = {phrase.rstrip(",.，") for each in _LANGUAGES for phrase in each["signatures"] if phrase not in _WIDE}
_CLOSING = re.compile(
    rf"(?:{'|'.join(sorted({*_KNOWN, *map(re.escape, _MORE)}, key=lambda each: (-len(each), each)))})\b", re.IGNORECASE
)


def is_attribution(text: str) -> bool:
    """Whether these one to three lines say who wrote what comes below, wherever they stand."""
    return 0 < len(text) <= 3 * LINE and text.endswith((":", "：")) and bool(_WROTE.match(text))


def introduces(text: str) -> bool:
    """Whether these lines, right before a quotation, belong to it."""
    return len(text) <= 3 * LINE and text.endswith((":", "：")) and bool(_TOLD.search(text))


def is_separator(line: str) -> bool:
    """-----Original Message-----"""
    return line.startswith("---") and len(line) <= LINE and bool(_SEPARATOR.match(line))


def is_forward(line: str) -> bool:
    """What is forwarded is meant to be read."""
    return len(line) <= LINE and bool(_FORWARD.match(line))


def begins_header(text: str) -> bool:
    """Whether lines begin as Outlook introduces what it quotes: From, and at least two fields more."""
    return bool(_FROM.match(text)) and len(_FIELD.findall(text[: 5 * LINE])) >= 2


def is_from(line: str) -> bool:
    """Whether a line may be the first of such a header."""
    return bool(_FROM.match(line))


def is_sent_from(line: str) -> bool:
    """Sent from my telephone."""
    return len(line) <= LINE and bool(_SENT_FROM.match(line))


def is_closing(line: str) -> bool:
    """A closing phrase that is a line of its own, perhaps with the author's name."""
    found = _CLOSING.match(line) if len(line) <= SHORT else None
    if not found:
        return False
    rest = line[found.end() :].strip()
    if not rest.strip(" ,.!-–—，"):
        return True
    return rest[0] in ",-–" and len(rest.split()) <= NAME_WORDS and rest[-1] not in "?:"
