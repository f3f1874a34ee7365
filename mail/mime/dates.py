"""The Date header (RFC 5322 §3.3 and what is sent instead) as a moment in UTC."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from functools import lru_cache

MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10,
          "nov": 11, "dec": 12}  # fmt: skip
USUAL = re.compile(
    r"(?:[A-Za-z]{3}, ?)?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) ([+-]\d{4})(?: \([^()]*\))?"
)
LOOSE = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?[ .,/-]{1,3}([a-z]{3})[a-z]{0,6}[ .,/-]{1,3}(\d{2,4})(?!\d)"
    r"(?:[ ,tT]{1,3}(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?)?[ .\d]{0,8}([a-z]{1,5}|[+-]\d{4})?",
    re.IGNORECASE,
)
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d{1,6})?(?: ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?")
# Zones that RFC 5322 does not know and mailers write, in minutes. Ambiguous ones (IST, CST of China) are left out.
ZONES = {"utc": 0, "gmt": 0, "ut": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "met": 60, "mez": 60,
         "cest": 120, "mest": 120, "mesz": 120, "eet": 120, "sast": 120, "eest": 180, "msk": 180, "msd": 240,
         "hkt": 480, "sgt": 480, "jst": 540, "kst": 540, "aest": 600, "aedt": 660, "nzst": 720, "nzdt": 780,
         "est": -300, "edt": -240,
         "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420}  # fmt: skip
HALVES = re.compile(r"\b(\d{1,2})(:\d\d(?::\d\d)?) ?([ap])m\b", re.IGNORECASE)
NO_YEAR = re.compile(r"(?:^| )000\d(?:-\d\d-\d\d)?(?: |T|$)")  # the zero of some languages' clocks
NUMERIC = re.compile(r"[+-]\d{4}")
CAP = 200


def parse(value: str) -> datetime | None:
    """The moment, in UTC; None where it is missing, unreadable or outside the years 1 to 9999 once in UTC."""
    value = " ".join(value[:CAP].split())
    usual = USUAL.fullmatch(value)
    if usual:
        day, name, year, hour, minute, second, zone = usual.groups()
        month = MONTHS.get(name.lower())
        if month and not year.startswith("000"):
            return _moment((int(year), month, int(day), int(hour), int(minute), int(second)), _offset(zone))
    if NO_YEAR.search(value):
        return None
    value = HALVES.sub(_of_24, value)
    return _known(value) or _loose(value) or _iso(value)


def _of_24(match: re.Match[str]) -> str:
    """The time of a clock of twelve hours on one of 24."""
    hour, rest, half = match.groups()
    if int(hour) <= 12:
        hour = str(int(hour) % 12 + 12 * (half in "pP"))
    return hour + rest


@lru_cache(maxsize=128)
def _offset(zone: str) -> int:
    """Minutes east of "+hhmm"."""
    return (int(zone[1:3]) * 60 + int(zone[3:])) * (-1 if zone[0] == "-" else 1)


def _known(value: str) -> datetime | None:
    """What the standard library reads: RFC 5322 with obsolete forms, asctime, RFC 850."""
    try:
        parts = parsedate_tz(value)
    except (ValueError, IndexError, TypeError, OverflowError):  # it is tolerant, not total
        return None
    if parts is None:
        return None
    offset = parts[9] or 0
    if not offset and not NUMERIC.search(value):
        words = re.findall(r"[a-z]+", value.lower())
        offset = next((ZONES[word] * 60 for word in words if word in ZONES), 0)
    return _moment(parts[:6], offset // 60)


def _loose(value: str) -> datetime | None:
    """Day, month's name, year and perhaps a time, anywhere in the value."""
    match = LOOSE.search(value)
    month = MONTHS.get(match[2].lower()) if match else None
    if match is None or month is None:
        return None
    zone = (match[7] or "").lower()
    offset = _offset(zone) if zone[:1] in {"+", "-"} else ZONES.get(zone, 0)
    return _moment((int(match[3]), month, int(match[1]), *(int(part or 0) for part in match.group(4, 5, 6))), offset)


def _iso(value: str) -> datetime | None:
    """ISO 8601, which scripts send."""
    match = ISO.search(value)
    if match is None:
        return None
    try:
        read = datetime.fromisoformat(re.sub(r" ?(?:UTC|GMT)", "Z", match[0]).replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    offset = read.utcoffset() or timedelta()
    return _moment(read.timetuple()[:6], offset // timedelta(minutes=1))


def _moment(parts: tuple[int, ...], offset: int) -> datetime | None:
    """UTC of a local time `offset` minutes east. Offsets of more than a day are nonsense and taken as none."""
    year, month, day, hour, minute, second = parts
    if year < 200:
        year += 1900 if year >= 70 else 2000
    try:
        local = datetime(year, month, day, hour % 24 if hour == 24 else hour, minute, min(second, 59), tzinfo=UTC)
        if hour == 24:
            local += timedelta(days=1)
        if offset and abs(offset) < 1_440:
            local -= timedelta(minutes=offset)
    except (ValueError, OverflowError):
        return None
    return local if 1 < local.year < 9999 else None  # room for a reader's zone
