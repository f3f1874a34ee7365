"""What the OpenAPI document promises is kept, whatever is asked: schemathesis makes the requests of it."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zlib import crc32

import pytest
import schemathesis
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from accounts.models import Account
from mail import actions, sending
from mail.drafting import draft_id
from mail.models import Action, Outgoing
from mail.sending import Mail
from tests.integration.factories import make_account, make_folder, make_key, make_message
from tests.integration.test_api_attachments import MAIL, PART
from tests.integration.web import Web, serving

pytestmark = pytest.mark.django_db(transaction=True)

CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance, response_schema_conformance]
CASES = settings(
    max_examples=10, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
DOCUMENT = json.loads(json.dumps(SchemaGenerator().get_schema(public=True)))  # type: ignore[no-untyped-call]  # has no types
ASKED = (
    schemathesis.openapi.from_dict(DOCUMENT)
    .exclude(path="/v3/connect/custom")  # calls the server that it is told
    .exclude(path="/v3/grants/{grant}", method="PATCH")  # the same
    .exclude(path="/v3/providers/detect")  # asks the DNS, and the domain of the address
    .exclude(path_regex="/delta/streaming$")  # does not end
    .exclude(path="/v3/grants/{grant}", method="DELETE")  # nothing is left for the next case
)


@pytest.fixture(scope="module")
def process(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), serving("", "schemathesis") as web:
        yield web


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def web(process: Web, account: Account) -> Web:
    return replace(process, key=make_key(account.application)[1])


@pytest.fixture
def scene(account: Account) -> dict[str, str]:
    """A small mailbox, and what fills the document's path parameters."""
    folder = make_folder(account)
    rows = [make_message(account, folder, mail=MAIL + bytes([n]), attachments=[PART]) for n in range(3)]
    make_folder(account, "INBOX/日本語")
    actions.change(account.pk, [rows[0].pk], unread=True)
    draft = make_message(account, folder, draft=True)
    letter = Mail(b"From: a@example.test\r\n\r\n", "a@example.test", "Later", "a@example.test", ("b@example.test",))
    sending.queue(account.pk, letter, send_at=timezone.now() + timedelta(days=1))
    return {
        "provider": "imap",
        "timeout": "0",
        "select": "id,subject",
        "search_query_native": "from:alice",
        "metadata_pair": "key:value",
        "in": str(folder.pk),
        "parent_id": str(folder.pk),
        "thread_id": str(rows[0].thread_id),
        "message_id": str(rows[0].pk),
        "grant": str(account.pk),
        "folder": str(folder.pk),
        "message": str(rows[0].pk),
        "thread": str(rows[0].thread_id),
        "attachment": f"{rows[0].pk.hex}p1",
        "draft": str(draft_id(draft)),
        "item": str(Outgoing.objects.get(account=account).pk),
        "action": str(Action.objects.filter(account=account).values_list("id", flat=True)[0]),
    }


def fit(case: schemathesis.Case[Any], scene: Mapping[str, str]) -> None:
    """Nothing is found by chance: three cases of four ask for what is there; the others as they were made."""
    case.path_parameters["grant"] = scene["grant"]
    if crc32(repr((case.path_parameters, case.query)).encode()) % 4 == 0:
        return
    case.path_parameters = {name: scene[name] for name in case.path_parameters}
    told = {name: scene.get(name, made) for name, made in (case.query or {}).items()}
    case.query = {name: made for name, made in told.items() if name not in ("page_token", "cursor")}


def asking(operation: str) -> Callable[..., None]:
    """A test of an operation, like "GET /v3/grants"."""

    @ASKED.include(name=operation).parametrize()
    @CASES
    def test(case: schemathesis.Case[Any], web: Web, scene: dict[str, str]) -> None:
        fit(case, scene)
        answer = case.call(base_url=web.url, headers={"Authorization": f"Bearer {web.key}"}, timeout=20)
        assert answer.status_code < 500 or answer.status_code == 501, answer.text
        case.validate_response(answer, checks=CHECKS)

    made: Callable[..., None] = test
    return made


# A function each: schemathesis gives all tests of one function one name, of which pytest-xdist runs the first alone.
_operations: Iterable[Any] = ASKED.get_all_operations()
for _operation in sorted(found.ok().label for found in _operations):
    _name = re.sub(r"\W+", "_", _operation.lower()).strip("_")
    globals()[f"test_the_document_is_kept_by_{_name}"] = asking(_operation)
