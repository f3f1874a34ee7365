"""A mailbox of 7,000 real mails over several folders: every one is mirrored, byte for byte."""

import random

import pytest
from imapclient import IMAPClient

from accounts.models import Account
from mail import audit, raw
from mail.models import Message, Thread
from tests import corpus
from tests.integration.mirroring import connected, live, log_of, mirror_state, server_state, sync
from tests.mailboxes import MailboxFactory

FOLDERS = ("INBOX", "Entwürfe", "A/B & C", "INBOX.日本語", "Archive")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Draft", "$Label1", "NonJunk")


def load(client: IMAPClient) -> int:
    """Append the corpus over the folders, with flags of all sorts. Returns how many mails there are."""
    chance = random.Random(7)
    for folder in FOLDERS[1:]:
        client.create_folder(folder)
    count = 0
    for _name, content in corpus.messages():
        # What IMAP carries has CRLF and no NUL (RFC 3501 §4.3.1).
        octets = content.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        flags = [flag for flag in FLAGS if chance.random() < 0.3]
        client.append(chance.choice(FOLDERS), octets or b"\r\n", flags)
        count += 1
    return count


@corpus.needs_corpus
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("guarded")
def test_every_real_mail_is_mirrored_byte_for_byte(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        count = load(client)
        account = connected(mailbox)
        while sync(account).more:
            pass
        theirs = server_state(client)
    assert sum(len(folder) for folder in theirs.values()) == count
    assert mirror_state(account) == theirs
    assert live(account)
    assert audit.run(account, sample=10_000) == []
    check_messages(account)


def check_messages(account: Account) -> None:
    """Each message's raw bytes hash to its digest, and it is in a thread; the log is dense."""
    digests = dict(Message.objects.filter(account=account).values_list("id", "digest"))
    for start in range(0, len(digests), 500):
        wanted = list(digests)[start : start + 500]
        stored = raw.raws_of(wanted)
        assert all(raw.digest(stored[message]) == bytes(digests[message]) for message in wanted)
    problems = Message.objects.filter(account=account).exclude(problem="").values_list("problem", flat=True)
    assert len(problems) < 0.02 * len(digests), list(problems)
    assert Thread.objects.filter(account=account, message_count=0).count() == 0
    assert log_of(account).count(("message", "created")) == len(digests)
