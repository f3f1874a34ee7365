"""Protocol tests talk to a real IMAP server."""

from tests.mailboxes import *  # noqa: F403 -- fixtures
