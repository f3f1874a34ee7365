"""Who uses the farm, and the mailboxes they connected."""

from typing import Any, Literal, NotRequired, TypedDict


class Grant(TypedDict):
    """A connected mailbox. `state` is what it does now, `state_reason` why, `last_error` what went wrong last."""

    id: str
    object: Literal["grant"]
    provider: str
    scope: list[str]
    grant_status: Literal["valid", "invalid"]
    email: str
    name: str
    state: Literal["connecting", "initial", "live", "paused", "invalid", "error"]
    state_reason: str | None
    last_error: str | None
    settings: dict[str, Any]
    created_at: int
    updated_at: int


class GrantUpdate(TypedDict):
    """What a PATCH changes of a grant; the mailbox is tried with it. `scope` is accepted: IMAP has none."""

    settings: NotRequired[dict[str, Any]]
    scope: NotRequired[list[str]]


class Branding(TypedDict):
    """How an application is called."""

    name: NotRequired[str]


class Application(TypedDict):
    """A customer of the farm: owns keys and grants."""

    application_id: str
    organization_id: str
    region: str
    environment: Literal["production"]
    branding: Branding
    created_at: int


class ApplicationUpdate(TypedDict):
    """What a PATCH changes of the application."""

    branding: NotRequired[Branding]


class Connector(TypedDict):
    """What mailboxes of a provider are reached by."""

    name: str
    provider: Literal["imap"]
    settings: dict[str, Any]
    scope: list[str]


class ConnectorRequest(TypedDict):
    """Names a provider."""

    provider: Literal["imap"]


class GrantSettings(TypedDict):
    """How to reach a mailbox. Hosts that are missing are detected from the address."""

    imap_username: str
    imap_password: str
    imap_host: NotRequired[str]
    imap_port: NotRequired[int]
    imap_security: NotRequired[Literal["tls", "starttls", "none"]]
    smtp_username: NotRequired[str]
    smtp_password: NotRequired[str]
    smtp_host: NotRequired[str]
    smtp_port: NotRequired[int]
    smtp_security: NotRequired[Literal["tls", "starttls", "none"]]


class GrantRequest(TypedDict):
    """Connects a mailbox. `email` where the user name is none."""

    provider: Literal["imap"]
    settings: GrantSettings
    email: NotRequired[str]
    name: NotRequired[str]


class Detection(TypedDict):
    """Whether the servers of an address are known."""

    email_address: str
    detected: bool
    provider: str | None
    type: str | None
