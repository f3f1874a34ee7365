"""What an application does to a mailbox over our side, as rules of the machine: it sees each change at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from accounts.models import Account
from mail import actions, drafting
from mail.models import Action, ActionState, Folder, Location, Message
from mail.types import Address, Letter, message_id, message_key
from tests.laws.comparison import identity
from tests.laws.conversation import USER
from tests.laws.model import Mail, Mailbox
from tests.laws.words import Words

_WHICH = st.integers(0, 20)
_FLAG = st.sampled_from([True, False, None])
_TEXT = st.sampled_from("abc")


@dataclass(slots=True)
class Draft:
    """One that was made here. `text`: None: it was discarded."""

    number: int
    text: str | None
    version: UUID


class Application(RuleBasedStateMachine):
    """Its rules need a mailbox and an account."""

    mailbox: Mailbox
    account: Account
    object_ids: bool

    def __init__(self) -> None:
        super().__init__()
        self.drafts: list[Draft] = []
        self.made: set[bytes] = set()  # digests of messages that were made here
        self.rows: dict[UUID, set[UUID]] = {}  # of these messages

    def begin_words(self) -> None:
        """Listen from here on."""
        self.words = Words(self.mailbox, self.identity)

    def identity(self, mail: Mail) -> UUID:
        """Of what was made here it never hangs on the server's word."""
        return identity(self.account, mail, object_ids=self.object_ids and mail.digest not in self.made)

    def named(self, row: Message) -> UUID:
        """The same of a row: where the server numbers messages, one that was made here may have its id there."""
        if bytes(row.digest) not in self.made:
            return row.pk
        name = message_id(self.account.id, message_key("", bytes(row.digest)))
        self.rows.setdefault(name, set()).add(row.pk)
        return name

    @rule(which=_WHICH, unread=_FLAG, starred=_FLAG)
    def mark(self, which: int, unread: bool | None, starred: bool | None) -> None:
        """An application changes a message that it sees, and sees the change at once."""
        row = self._shown(which)
        if row is None or (unread is None and starred is None):
            return
        known = self._known(row)
        assert actions.change(self.account.id, [row.pk], unread=unread, starred=starred) == 1
        row.refresh_from_db()
        assert unread in {None, row.unread}
        assert starred in {None, row.starred}
        flags = {} if unread is None else {"\\Seen": not unread}
        self.words.mark(self.named(row), flags | ({} if starred is None else {"\\Flagged": starred}), known=known)

    @rule(which=_WHICH, into=st.sets(st.integers(0, 5), min_size=1, max_size=3))
    def relocate(self, which: int, into: set[int]) -> None:
        """It puts a message into one folder, or into several."""
        row = self._shown(which)
        folders = list(Folder.objects.filter(account=self.account, selectable=True).order_by("wire_name"))
        if row is None or not folders:
            return
        chosen = [folders[number] for number in {each % len(folders) for each in into}]
        known = self._known(row)
        assert actions.change(self.account.id, [row.pk], folders=[folder.pk for folder in chosen]) == 1
        row.refresh_from_db()
        assert row.folder_ids == sorted(folder.pk for folder in chosen)
        self._placed(row, chosen, known=known)

    @rule(which=_WHICH)
    def delete(self, which: int) -> None:
        """It deletes a message for good."""
        row = self._shown(which)
        if row is not None:
            known = self._known(row)
            assert actions.delete(self.account.id, [row.pk]) == 1
            self._left(row, known=known)

    @rule(text=_TEXT)
    def write_draft(self, text: str) -> None:
        """It keeps a draft."""
        draft = Draft(len(self.drafts), text, UUID(int=0))
        if self._save(draft, text, None):
            self.drafts.append(draft)

    @rule(which=_WHICH, text=_TEXT)
    def change_draft(self, which: int, text: str) -> None:
        """It changes a draft that it finds, perhaps to what it was before."""
        draft, found = self._draft(which)
        if draft is None or found is None:
            return
        known = self._known(found)
        if self._save(draft, text, found.pk) and draft.version != found.pk:
            self._left(found, known=known)

    @rule(which=_WHICH)
    def discard_draft(self, which: int) -> None:
        """It discards a draft that it finds."""
        draft, found = self._draft(which)
        if draft is not None and found is not None:
            known = self._known(found)
            drafting.discard(self.account.id, found)
            draft.text = None
            self._left(found, known=known)
            if found.pk == draft.version:
                assert drafting.find(self.account.id, drafting.draft_id(found)) is None

    def pending(self) -> "QuerySet[Action]":
        """What was changed here and the server does not know yet."""
        return Action.objects.filter(account=self.account, state=ActionState.PENDING)

    def refused(self) -> set[UUID]:
        """Messages that were made here, and that the server does not have."""
        failed = Action.objects.filter(account=self.account, kind="append", state=ActionState.FAILED)
        made = set(failed.values_list("message_id", flat=True))
        return made - set(Location.objects.filter(message__in=made).values_list("message_id", flat=True))

    def how_ended(self, message: UUID) -> set[str]:
        """The states of a message's actions."""
        rows = Action.objects.filter(account=self.account, message__in=self.rows.get(message, {message}))
        return set(rows.values_list("state", flat=True))

    def _save(self, draft: Draft, text: str, replaces: UUID | None) -> bool:
        if not Folder.objects.shown().filter(account=self.account, role="drafts", selectable=True).exists():
            return False  # the model's server makes no folders
        letter = Letter(
            sender=Address("Alice", USER), to=(), cc=(), bcc=(), reply_to=(), subject=f"Draft {draft.number}",
            body=text, is_plaintext=True, files=(), headers=(), header_id=f"draft{draft.number}@x",
            date=datetime(2024, 3, 1, tzinfo=UTC),
        )  # fmt: skip
        row = drafting.save(self.account.id, letter, replaces=replaces)
        self.made.add(bytes(row.digest))
        assert not row.hidden, "a draft that was just kept is not shown"
        found = drafting.find(self.account.id, drafting.draft_id(row))
        assert found is not None
        assert found.pk == row.pk, "another version of a draft is found than the last one"
        known = self._known(row)
        draft.text, draft.version = text, row.pk
        (folder,) = Folder.objects.filter(pk__in=row.folder_ids)[:1] or [None]
        if folder is not None:
            self._placed(row, [folder], known=known)
        return True

    def _left(self, row: Message, *, known: bool) -> None:
        self.missed.add(row.pk)
        self.words.place(self.named(row), [], known=known)

    missed: set[UUID]

    def _draft(self, which: int) -> tuple[Draft, Message] | tuple[None, None]:
        if not self.drafts:
            return None, None
        draft = self.drafts[which % len(self.drafts)]
        row = Message.objects.filter(pk=draft.version).first()
        found = drafting.find(self.account.id, drafting.draft_id(row)) if row is not None else None
        return (draft, found) if found is not None else (None, None)

    def _shown(self, which: int) -> Message | None:
        rows = list(Message.objects.shown().filter(account=self.account).order_by("received_at", "id"))
        return rows[which % len(rows)] if rows else None

    def _known(self, row: Message) -> bool:
        """Whether the mirror knows all places of a message."""
        places = Location.objects.filter(message=row.pk).values_list("folder__wire_name", "uidvalidity", "uid")
        there = {
            (folder.wire.decode("latin-1"), folder.uidvalidity, uid)
            for folder in self.mailbox.selectable
            for uid, copy in folder.copies.items()
            if self.identity(copy.mail) == self.named(row)
        }
        return set(places) == there

    def _placed(self, row: Message, chosen: Sequence[Folder], *, known: bool) -> None:
        found = [self.mailbox.folders.get((each.wire_name or "").encode("latin-1")) for each in chosen]
        there = [folder for folder in found if folder is not None and folder.selectable]
        same = [folder.uidvalidity for folder in there] == [each.uidvalidity for each in chosen]
        self.words.place(self.named(row), there, known=known, gone=not same)
