"""What goes wrong, as the parts of the mirror tell each other."""

from mail.types.outgoing import Refusal


class MailError(Exception):
    """What went wrong with a mailbox, in words for its owner.

    `permanent`: trying again cannot help until somebody acts (credentials refused). All else is retried with backoff.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class AuthenticationFailed(MailError):
    """The server refused the credentials."""


class ConnectionFailed(MailError):
    """The server cannot be reached, is not trusted, or went away."""


class FolderFailed(MailError):
    """The server refuses one folder; the others go on."""


class FolderVanished(FolderFailed):
    """The folder was listed and is gone."""


class ChangeRefused(MailError):
    """The server refuses a change that was made here. `permanent`: it always will."""


class LetterRefused(MailError):
    """What somebody wants to send is no letter as it is. In words for its author."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class SendRefused(MailError):
    """The server does not take the message, or the message cannot go there: nobody gets it. `permanent`: nor will it
    be taken later. `refusals`: what was said of each recipient, where that is the reason."""

    def __init__(self, message: str, refusals: tuple[Refusal, ...] = (), *, permanent: bool = False) -> None:
        super().__init__(message, permanent=permanent)
        self.refusals = refusals


class SendUncertain(MailError):
    """The whole message was handed over, and whether it was taken is not known: it may have been sent."""


class StoreUnavailable(MailError):
    """A store of raw mail cannot be asked now. Nothing can be said of its objects: they are not lost."""

    def __init__(self, address: str, error: object) -> None:
        super().__init__(f"The store of raw mail, {address}, is not available: {error}")


class BodiesWithheld(MailError):
    """A body of an account ends the process that makes it; until the index knows which, nobody else makes them."""

    def __init__(self) -> None:
        super().__init__("A message of this mailbox ends whoever reads its body. It is being looked for.")


class NoRoom(MailError):
    """A temporary file cannot be written: the disk is full, as a rule."""


class LeaseLost(Exception):
    """Another worker holds the account now: whatever this one knows is stale and must not be written."""
