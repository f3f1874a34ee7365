"""The contract's official Node SDK against a web process: a script of tests/node a resource."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from accounts.models import Account
from tests.integration.factories import START, make_account, make_folder, make_key, make_message
from tests.integration.node import needs_node, run
from tests.integration.test_api_attachments import CONTENT, MAIL, PART
from tests.integration.web import Web, serving
from tests.mailboxes import MailboxFactory

pytestmark = [pytest.mark.django_db(transaction=True), needs_node]


@pytest.fixture(scope="module")
def process(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), serving("", "node", SYNCFARM_TRUSTED_HOSTS="127.0.0.1") as web:
        yield web


@pytest.fixture
def account() -> Account:
    return make_account(email="me@example.test")


@pytest.fixture
def web(process: Web, account: Account) -> Web:
    return replace(process, key=make_key(account.application)[1])


def scene(account: Account) -> dict[str, Any]:
    """Three unread messages with an attachment, each a thread, in the inbox; a folder in a folder."""
    inbox, parent = make_folder(account), make_folder(account, "A")
    rows = [
        make_message(account, inbox, unread=True, at=START, mail=MAIL + bytes([n]), attachments=[PART],
                     has_attachments=True, header_id="a/b+c?d@example.test" if n == 0 else f"{n}@example.test")
        for n in range(3)
    ]  # fmt: skip
    return {
        "grant": str(account.pk),
        "email": account.email,
        "application": str(account.application_id),
        "folder": str(inbox.pk),
        "parent": str(parent.pk),
        "child": str(make_folder(account, "A/日本語").pk),
        "messages": [str(row.pk) for row in rows],
        "threads": [str(row.thread_id) for row in rows],
        "date": int(START.timestamp()),
        "content": CONTENT.decode(),
    }


@pytest.mark.parametrize("script", ["grants", "folders", "messages", "threads", "attachments"])
def test_the_node_sdk_works(script: str, web: Web, account: Account) -> None:
    run(script, web, **scene(account))


def test_the_node_sdk_connects_a_mailbox(web: Web, account: Account, mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    settings = {"imap_username": mailbox.user, "imap_password": mailbox.password, "imap_host": mailbox.host,
                "imap_port": mailbox.port, "imap_security": "none"}  # fmt: skip
    run("applications", web, settings=settings, **scene(account))


def test_what_the_node_sdk_uploads_is_read() -> None:
    with serving("none", "node", "tests.integration.upload_settings") as web:
        run("uploads", web, grant="g")
