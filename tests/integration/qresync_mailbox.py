"""A mailbox on the server with QRESYNC alone, for what does not depend on the strategy. A plugin for a test module."""

import pytest

from tests.mailboxes import Mailbox, MailboxFactory

__all__ = ["mailbox"]


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    """A fresh one."""
    return mailbox_factory("qresync")
