"""Facts that the parts of the mirror hand each other; no Django, no I/O. The vocabulary of all others.

Those of which a batch has thousands are tuples, which take half of the time of a frozen dataclass to make.
"""

from mail.types.bounces import Bounce, BouncedRecipient
from mail.types.contents import DEPTH, PARTS, Address, Attachment, Octets, Parsed
from mail.types.errors import (
    AuthenticationFailed,
    BodiesWithheld,
    ChangeRefused,
    ConnectionFailed,
    FolderFailed,
    FolderVanished,
    LeaseLost,
    LetterRefused,
    MailError,
    NoRoom,
    SendRefused,
    SendUncertain,
    StoreUnavailable,
)
from mail.types.mirrored import Arrival, FolderPlan, LocalFolder, Place, Tie, message_id, message_key
from mail.types.outgoing import Delivery, File, Letter, Refusal
from mail.types.servers import (
    Changes,
    Copied,
    Entry,
    Fetched,
    FlagChange,
    Login,
    NewFolder,
    Part,
    RemoteFolder,
    Selected,
    SyncPoint,
)
from mail.types.threads import Assignment, SubjectCandidate, ThreadInput

__all__ = [
    "DEPTH",
    "PARTS",
    "Address",
    "Arrival",
    "Assignment",
    "Attachment",
    "AuthenticationFailed",
    "BodiesWithheld",
    "Bounce",
    "BouncedRecipient",
    "ChangeRefused",
    "Changes",
    "ConnectionFailed",
    "Copied",
    "Delivery",
    "Entry",
    "Fetched",
    "File",
    "FlagChange",
    "FolderFailed",
    "FolderPlan",
    "FolderVanished",
    "LeaseLost",
    "Letter",
    "LetterRefused",
    "LocalFolder",
    "Login",
    "MailError",
    "NewFolder",
    "NoRoom",
    "Octets",
    "Parsed",
    "Part",
    "Place",
    "Refusal",
    "RemoteFolder",
    "Selected",
    "SendRefused",
    "SendUncertain",
    "StoreUnavailable",
    "SubjectCandidate",
    "SyncPoint",
    "ThreadInput",
    "Tie",
    "message_id",
    "message_key",
]
