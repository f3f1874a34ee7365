"""Facts as operators read them: durations, states, progress. Text and small pieces of HTML."""

from datetime import datetime

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account, AccountState, WatchMode
from mail.models import FolderState
from mail.watch.standing import Standing

NOTHING = "–"
NOTHING_HTML = SafeString(NOTHING)

_ACCOUNT_STATES = {
    AccountState.CONNECTING: ("Waiting for its first sync", "info"),
    AccountState.INITIAL: ("Copying the mailbox", "primary"),
    AccountState.LIVE: ("Live", "success"),
    AccountState.PAUSED: ("Paused", ""),
    AccountState.INVALID: ("Needs its owner", "danger"),
    AccountState.ERROR: ("Failing, retried", "warning"),
}
_FOLDER_STATES = {
    FolderState.PENDING: ("Not looked into yet", "info"),
    FolderState.SYNCING: ("Being copied", "primary"),
    FolderState.LIVE: ("Complete", "success"),
    FolderState.ERROR: ("Refused, retried", "warning"),
}
_TICK = 2  # seconds: the dispatcher looks every second, so that less is no delay


def duration(seconds: float) -> str:
    """About how long, in the largest unit that still tells something."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{round(seconds / size)} {unit}"
    return f"{max(0, round(seconds))} s"


def ago(then: datetime | None, now: datetime) -> SafeString:
    """ "12 s ago" with the full time as its tooltip."""
    if then is None:
        return format_html("{}", "never")
    when = f"{then:%Y-%m-%d %H:%M:%S} UTC"
    return format_html('<span title="{}">{} ago</span>', when, duration((now - then).total_seconds()))


def moment(then: datetime | None, *, seconds: bool = False) -> SafeString:
    """The time in UTC, in an order that sorts."""
    if then is None:
        return NOTHING_HTML
    return format_html(
        '<span class="sf-moment">{}</span>', f"{then:%Y-%m-%d %H:%M:%S}" if seconds else f"{then:%Y-%m-%d %H:%M}"
    )


def lateness(account: Account, now: datetime) -> str:
    """How far the account is behind its own schedule."""
    if account.lease_expires_at and account.lease_expires_at > now:
        return "syncing now"
    if account.next_sync_at is None or account.removed_at or account.state == AccountState.PAUSED:
        return NOTHING
    late = (now - account.next_sync_at).total_seconds()
    return f"{duration(late)} late" if late > _TICK else "on time"


def watch(standing: Standing, now: datetime) -> str:
    """Since when the server tells of what, or why it does not."""
    if standing.mode == WatchMode.POLLING or standing.live_since is None:
        return f"no. {standing.note}" if standing.note else "no"
    what = "all folders" if standing.mode == WatchMode.NOTIFY else "the inbox"
    return f"{what}, for {duration((now - standing.live_since).total_seconds())}"


def account_state(account: Account) -> SafeString:
    """The state as a coloured label."""
    if account.removed_at:
        return label("Being removed", "danger")
    return label(*account_state_words(account.state))


def account_state_words(state: str) -> tuple[str, str]:
    """(words, colour) of an account's state."""
    return _ACCOUNT_STATES[AccountState(state)]


def folder_state(state: str) -> SafeString:
    """The state as a coloured label."""
    return label(*_FOLDER_STATES[FolderState(state)])


def label(text: str, kind: str = "") -> SafeString:
    """A coloured label of the admin's theme. Kinds: success, info, primary, warning, danger; "" is grey."""
    return SafeString(render_to_string("unfold/helpers/label.html", {"text": text, "type": kind}).strip())


def progress(mirrored: int, total: int) -> SafeString:
    """Mirrored of total as a bar with its figures."""
    if not total and not mirrored:
        return NOTHING_HTML
    percent = min(100, 100 * mirrored // max(total, 1))
    figures = f"{mirrored:,} / {total:,}"
    return format_html(
        '<span class="sf-progress" title="{} messages"><span class="sf-bar"><span style="width: {}%"></span></span>'
        "<span>{}</span></span>",
        figures.replace("/", "of"),
        percent,
        figures,
    )


def size(octets: int) -> str:
    """Bytes in the unit that a human would choose."""
    amount = float(octets)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1_000:
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1_000
    return f"{amount:.1f} GB"


def short(text: str, extra: str = "") -> SafeString:
    """One line of a text that may be long; the rest is its tooltip."""
    return (
        format_html('<span class="sf-short {}" title="{}">{}</span>', extra, text[:2_000], text[:300])
        if text
        else NOTHING_HTML
    )


def live(key: str, content: str) -> SafeString:
    """Content that live.js refreshes while the page is looked at. `key` is unique on the page."""
    return format_html('<span data-live="{}">{}</span>', key, content)
