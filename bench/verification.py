"""A benchmark of wrong results is none: compares the mirror with the server, by a client that is not the product's."""

import hashlib
import random
from uuid import UUID

from imapclient import IMAPClient

from accounts.models import Account
from bench.mailbox import PASSWORD, fetch_all
from mail import raw
from mail.models import Location, Transaction


class MirrorWrong(Exception):
    """The mirror is not what the server has; the text says where."""


def verify(account_id: UUID, user: str, sample: int) -> int:
    """Check every UID and its flags, the bytes of `sample` messages and the log. Returns how many messages there are.

    Raises MirrorWrong.
    """
    account = Account.objects.get(id=account_id)
    with IMAPClient(account.settings["imap_host"], port=account.settings["imap_port"], ssl=False) as imap:
        imap.login(user, PASSWORD)
        imap.select_folder("INBOX", readonly=True)
        flags = {uid: _flags(data[b"FLAGS"]) for uid, data in fetch_all(imap, ["FLAGS"]).items()}
        places = Location.objects.filter(folder__account=account_id)
        if dict(places.values_list("uid", "flags")) != flags:
            raise MirrorWrong(f"{places.count():,} places mirrored, {len(flags):,} on the server, or flags differ")
        uids = random.Random(1).sample(sorted(flags), min(sample, len(flags)))
        _compare_bytes(account_id, {uid: data[b"BODY[]"] for uid, data in imap.fetch(uids, ["BODY.PEEK[]"]).items()})
    if Transaction.objects.filter(account=account_id).count() != account.log_seq:
        raise MirrorWrong("the change log has holes")
    return len(flags)


def _compare_bytes(account_id: UUID, contents: dict[int, bytes]) -> None:
    places = Location.objects.filter(folder__account=account_id, uid__in=list(contents))
    digests = {uid: bytes(digest) for uid, digest in places.values_list("uid", "message__digest")}
    stored = raw.get_many(account_id, digests.values())
    for uid, content in contents.items():
        digest = hashlib.sha256(content).digest()
        if digests.get(uid) != digest or stored.get(digest) != content:
            raise MirrorWrong(f"message {uid} is not what the server gives")


def _flags(sent: tuple[bytes, ...]) -> list[str]:
    return sorted(flag.decode() for flag in sent if flag != rb"\Recent")
