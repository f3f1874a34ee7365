"""What the author of a message wrote: its body without quotations, signature, closing phrase and markup that runs or
spies. Pure; see docs/decisions/0014-clean-messages.md."""

from mail.clean.cleaning import clean
from mail.clean.wishes import Wishes

__all__ = ["Wishes", "clean"]
