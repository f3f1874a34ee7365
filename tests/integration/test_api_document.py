import json
from typing import Any

import pytest
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from api import objects
from api.serializers import messages
from tests.integration.factories import make_account, make_folder, make_key, make_message


@pytest.fixture(scope="module")
def document() -> Any:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # has no types
    assert not GENERATOR_STATS, "see the warnings in the captured output"
    return json.loads(json.dumps(made))


def test_the_document_is_made_without_a_warning_and_is_valid(document: Any) -> None:
    validate_schema(document)  # type: ignore[no-untyped-call]  # has no types
    assert document["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}


def test_the_document_has_every_endpoint_that_is_built(document: Any) -> None:
    grant = "/v3/grants/{grant}"
    assert {path: sorted(methods) for path, methods in document["paths"].items()} == {
        "/v3/applications": ["get", "patch"],
        "/v3/connectors": ["get", "post"],
        "/v3/connectors/{provider}": ["delete", "get", "patch", "put"],
        "/v3/connect/custom": ["post"],
        "/v3/providers/detect": ["post"],
        "/v3/delta": ["get"],
        "/v3/delta/latest_cursor": ["get"],
        "/v3/delta/longpoll": ["get"],
        "/v3/delta/streaming": ["get"],
        "/v3/grants": ["get"],
        grant: ["delete", "get", "patch"],
        f"{grant}/actions": ["get"],
        f"{grant}/actions/{{action}}": ["get", "post"],
        f"{grant}/attachments/{{attachment}}": ["get"],
        f"{grant}/attachments/{{attachment}}/download": ["get"],
        f"{grant}/delta": ["get"],
        f"{grant}/delta/cursor": ["get"],
        f"{grant}/delta/latest_cursor": ["get"],
        f"{grant}/delta/longpoll": ["get"],
        f"{grant}/delta/streaming": ["get"],
        f"{grant}/folders": ["get", "post"],
        f"{grant}/folders/{{folder}}": ["delete", "get", "put"],
        f"{grant}/messages": ["get"],
        f"{grant}/drafts": ["get", "post"],
        f"{grant}/drafts/{{draft}}": ["delete", "get", "post", "put"],
        f"{grant}/messages/clean": ["put"],
        f"{grant}/messages/schedules": ["get"],
        f"{grant}/messages/schedules/{{item}}": ["delete", "get"],
        f"{grant}/messages/send": ["post"],
        f"{grant}/messages/{{message}}": ["delete", "get", "put"],
        f"{grant}/sends": ["get"],
        f"{grant}/sends/{{item}}": ["get"],
        f"{grant}/sync": ["get", "post"],
        f"{grant}/threads": ["get"],
        f"{grant}/threads/{{thread}}": ["delete", "get", "put"],
    }
    listing = document["paths"][f"{grant}/messages"]["get"]
    assert {"in", "any_email", "fields", "page_token"} <= {each["name"] for each in listing["parameters"]}


@pytest.mark.django_db
def test_answers_have_the_fields_that_the_document_tells(client: Client, document: Any) -> None:
    account = make_account()
    row = make_message(account, make_folder(account))
    headers = {"authorization": f"Bearer {make_key(account.application)[1]}"}
    for path, shape in (
        ("", "Grant"),
        (f"/messages/{row.pk}", "Message"),
        (f"/messages/{row.pk}?fields=raw_mime", "Message"),
        (f"/messages/{row.pk}?select=nothing", "Message"),
        (f"/threads/{row.thread_id}?select=nothing", "Thread"),
        (f"/folders/{row.folder_ids[0]}?select=nothing", "Folder"),
        (f"/threads/{row.thread_id}", "Thread"),
        (f"/folders/{row.folder_ids[0]}", "Folder"),
        ("/sync", "Coverage"),
    ):
        sent = client.get(f"/v3/grants/{account.pk}{path}", headers=headers).json()["data"]
        told = document["components"]["schemas"][shape]
        assert set(told.get("required", ())) <= set(sent) <= set(told["properties"]), shape


def test_the_shapes_are_those_that_serializers_promise() -> None:
    assert messages.attachment.__annotations__["return"] is objects.Attachment


@pytest.mark.django_db
def test_the_document_and_its_page_are_served_without_a_key(client: Client) -> None:
    answer = client.get("/v3/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["info"]["title"] == "Syncfarm"
    page = client.get("/v3/docs")
    assert page.status_code == 200
    assert b"/v3/openapi.json" in page.content
    assert b"drf_spectacular_sidecar" in page.content
    assert b"cdn" not in page.content
