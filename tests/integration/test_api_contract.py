"""Answers are as the public contract's structure has them, and every endpoint and parameter of it is there."""

from re import fullmatch
from typing import Any

import pytest
from django.test import Client
from django.urls import resolve

from accounts.models import Account
from api.parameters import Parameter
from api.views.unbuilt import UnknownPath
from mail.drafting import draft_id
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.contract import disagreements, operations, parameters
from tests.integration.factories import make_folder, make_message
from tests.integration.test_api_attachments import MAIL, PART

pytestmark = pytest.mark.django_db

GRANT = "/v3/grants/{grant_id}"
# A line for each answer: what is asked, {…} from the scene, a query if any.
ANSWERS = [
    ("GET", "/v3/applications", ""),
    ("GET", "/v3/connectors", ""),
    ("GET", "/v3/connectors/{provider}", ""),
    ("GET", "/v3/grants", ""),
    ("GET", "/v3/grants/{grantId}", ""),
    ("GET", f"{GRANT}/messages", ""),
    ("GET", f"{GRANT}/messages", "fields=include_headers"),
    ("GET", f"{GRANT}/messages", "fields=include_tracking_options"),
    ("GET", f"{GRANT}/messages", "fields=raw_mime"),
    ("GET", f"{GRANT}/messages/{{message_id}}", ""),
    ("GET", f"{GRANT}/messages/{{message_id}}", "select=id,subject"),
    ("GET", f"{GRANT}/threads", ""),
    ("GET", f"{GRANT}/threads/{{thread_id}}", ""),
    ("GET", f"{GRANT}/folders", ""),
    ("GET", f"{GRANT}/folders/{{folder_id}}", ""),
    ("GET", f"{GRANT}/attachments/{{attachment_id}}", ""),
    ("GET", f"{GRANT}/drafts", ""),
    ("GET", f"{GRANT}/drafts/{{draft_id}}", ""),
    ("POST", "/v3/providers/detect", "email=a@icloud.com"),
]
# What is not as the structure has it, by its place in the answer (a pattern), and why.
EXCEPTIONS = {
    r".*attachments\[\]\.content_id|data\.content_id": "null for none, optional in both SDKs",
    r"data(\[\])?\.parent_id": "null at the top, optional in both SDKs",
    r"data(\[\])?\.latest_message_(received|sent)_date": "null where there is none, optional in both SDKs",
}
# Parameters of the structure that no operation here takes, and why.
UNTAKEN = {
    "shared_from": "shared mailboxes, which other providers have",
    "shared_folder_id": "the same",
    "account_id": "grants of the API before v3",
    "account_ids": "the same",
    "workspace_id": "workspaces, which a farm has none of",
    "expose_aliases": "aliases, which IMAP does not tell",
}
UNTAKEN_OF = {("GET", f"{GRANT}/folders/{{folder_id}}", "include_hidden_folders"): "a folder is found, hidden or not"}
UNSUPPORTED = {"metadata_pair"}  # named in an error: they are wrong to ignore, and not built
# Of the contract, beside what contract.json has.
MORE = [
    *[("GET", "/v3/webhooks"), ("POST", "/v3/webhooks"), ("GET", "/v3/webhooks/w"), ("PUT", "/v3/webhooks/w")],
    *[("DELETE", "/v3/webhooks/w"), ("POST", "/v3/webhooks/mock-payload"), ("POST", "/v3/webhooks/send-test-event")],
    *[("GET", "/v3/webhooks/ip-addresses"), ("POST", "/v3/webhooks/rotate-secret/w")],
    *[("PUT", "/v3/webhooks/w/rotate-secret"), ("PUT", "/v3/connectors/imap"), ("GET", "/v3/connect/auth")],
    *[("POST", "/v3/connect/token"), ("GET", "/v3/connect/tokeninfo"), ("POST", "/v3/connect/revoke")],
]


@pytest.fixture
def scene(account: Account) -> dict[str, str]:
    """A mailbox, and what fills the contract's path parameters."""
    folder = make_folder(account)
    make_folder(account, "Work/Later")
    row = make_message(account, folder, mail=MAIL, attachments=[PART], has_attachments=True)
    make_message(account, folder, thread=row.thread, starred=True, to_addresses=[], subject="")
    return {
        "provider": "imap",
        "grantId": str(account.pk),
        "grant_id": str(account.pk),
        "message_id": str(row.pk),
        "thread_id": str(row.thread_id),
        "folder_id": str(folder.pk),
        "attachment_id": f"{row.pk.hex}p1",
        "draft_id": str(draft_id(make_message(account, folder, draft=True))),
        "scheduleId": "s",
    }


def known(place: str) -> bool:
    """As an exception."""
    return any(fullmatch(pattern, place) for pattern in EXCEPTIONS)


@pytest.mark.parametrize(("method", "path", "query"), ANSWERS)
def test_answers_are_as_the_contract_has_them(
    api: Client, scene: dict[str, str], method: str, path: str, query: str
) -> None:
    answer = api.generic(method, f"{path.format(**scene)}?{query}")
    assert answer.status_code in (200, 201), answer.content
    found = disagreements(method, path, answer.status_code, answer.json())
    assert {place: why for place, why in found.items() if not known(place)} == {}


def view_of(path: str) -> tuple[Any, set[str]]:
    """The class that answers there, and the methods that are to come."""
    found: Any = resolve(path).func
    return found.view_class, {*found.view_class.unbuilt, *found.view_initkwargs.get("unbuilt", ())}


@pytest.mark.parametrize(("method", "path"), [*operations(), *MORE])
def test_every_operation_is_built_or_told_to_be_unbuilt(method: str, path: str) -> None:
    view, unbuilt = view_of(path)
    assert view is not UnknownPath
    assert method in unbuilt or hasattr(view, method.lower())


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_parameter_is_taken(method: str, path: str) -> None:
    view, unbuilt = view_of(path)
    if method not in unbuilt:
        taken = {parameter.name for parameter in view.parameters.get(method, ())}
        missing = parameters(method, path) - taken - UNTAKEN.keys()
        assert {name for name in missing if (method, path, name) not in UNTAKEN_OF} == set()


@pytest.mark.parametrize(("method", "path"), operations())
def test_no_more_is_unsupported_than_is_known(method: str, path: str) -> None:
    declared = view_of(path)[0].parameters.get(method, ())
    assert {parameter.name for parameter in declared if refuses(parameter)} <= UNSUPPORTED


def refuses(parameter: Parameter) -> bool:
    """Whatever the value is."""
    try:
        parameter.read(["1"])
    except ValueError as error:
        return "not supported yet" in str(error)
    return False
