"""Bounces of messages that the account sent, each noted once and told in the log."""

from collections.abc import Collection, Mapping
from uuid import UUID, uuid5

from accounts.models import Account
from mail.models import Bounce as Row
from mail.models import Folder, Message, Outgoing
from mail.store.batch import beside
from mail.types import Bounce


def record_bounces(account_id: UUID, found: Mapping[UUID, Bounce]) -> int:
    """Note what notifications say, given by their message ids, of messages that the account sent; how many are new.

    Anybody can write a notification: one of a message that the account did not send is passed over. Raises
    Account.DoesNotExist if the account is removed."""
    sent = _sent(account_id, {bounce.original_header_id for bounce in found.values()})
    true = {message: bounce for message, bounce in found.items() if bounce.original_header_id in sent}
    if not true:
        return 0
    with beside(account_id) as batch:
        known = set(Row.objects.filter(pk__in=map(_id_of, true)).values_list("pk", flat=True))
        rows = [_row(account_id, *each, sent) for each in true.items() if _id_of(each[0]) not in known]
        Row.objects.bulk_create(rows)
        for row in rows:
            batch.log("bounce", row.pk, "created")
    return len(rows)


def _sent(account_id: UUID, header_ids: Collection[str]) -> dict[str, UUID | None]:
    """Those of the Message-IDs that are of messages which the account sent, and these: by this farm, from its address,
    or in the folder for what was sent. A notification may be read before the copy is there."""
    address = Account.objects.values_list("email", flat=True).get(pk=account_id)
    folders = list(Folder.objects.filter(account_id=account_id, role="sent").values_list("pk", flat=True))
    rows = Message.objects.filter(account_id=account_id, header_id__in=header_ids).filter(draft=False)
    own = [row for row in rows.only("header_id", "from_addresses", "folder_ids").order_by("received_at", "id")
           if not set(folders).isdisjoint(row.folder_ids) or _is_from(row, address)]  # fmt: skip
    outgoing = Outgoing.objects.filter(account_id=account_id, header_id__in=header_ids)
    found: dict[str, UUID | None] = dict(outgoing.values_list("header_id", "message_id"))
    return found | {row.header_id: row.pk for row in reversed(own)}


def _is_from(row: Message, address: str) -> bool:
    return any(each["email"].lower() == address.lower() for each in row.from_addresses)


def _id_of(message: UUID) -> UUID:
    """The same for a notification whenever it is read, and when it is mirrored again."""
    return uuid5(message, "bounce")


def _row(account_id: UUID, message: UUID, bounce: Bounce, sent: Mapping[str, UUID | None]) -> Row:
    return Row(
        id=_id_of(message),
        account_id=account_id,
        message_id=message,
        original_header_id=bounce.original_header_id,
        original_message_id=sent[bounce.original_header_id],
        hard=bounce.kind == "hard",
        recipients=[each._asdict() for each in bounce.recipients],
    )
