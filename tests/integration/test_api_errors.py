from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import Client, RequestFactory
from pytest_django import Settings
from rest_framework.exceptions import Throttled
from rest_framework.request import Request

from accounts.models import Account
from api import errors
from api.views.grants import GrantList
from mail.models import Body
from tests.integration.factories import make_account, make_folder, make_key, make_message
from tests.integration.raw_stores import make_batch

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def api(account: Account) -> Client:
    return Client(
        headers={"authorization": f"Bearer {make_key(account.application)[1]}"}, raise_request_exception=False
    )


def failed(answer: Any, status: int, type_: str = "invalid_request_error") -> str:
    """The message of an answer that is an error in the contract's format."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    body = answer.json()
    assert set(body) == {"request_id", "error"}
    assert body["request_id"] == answer["x-request-id"]
    assert UUID(body["request_id"])
    assert body["error"]["type"] == type_
    return str(body["error"]["message"])


@pytest.mark.parametrize("path", ["nothing", "grants/", "grants//messages", "a\nb", "grants/%00", "%FF", ""])
def test_an_unknown_path_is_an_error_in_the_format(api: Client, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        failed(api.generic(method, f"/v3/{path}"), 404, "not_found_error")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_method_that_the_contract_does_not_have_is_refused(api: Client, account: Account, method: str) -> None:
    failed(api.generic(method, f"/v3/grants/{account.pk}/messages"), 405)


def test_what_is_not_built_yet_says_so(api: Client, account: Account) -> None:
    grant = f"/v3/grants/{account.pk}"
    for method, path in (
        ("GET", f"{grant}/calendars"),
        ("GET", "/v3/webhooks"),
        ("PUT", "/v3/webhooks/x/rotate-secret"),
        ("POST", "/v3/connect/token"),
    ):
        assert method in failed(api.generic(method, path), 501)


def test_an_unknown_parameter_is_named_with_those_that_are_allowed(api: Client, account: Account) -> None:
    message = failed(api.get(f"/v3/grants/{account.pk}/messages?subjekt=x"), 400)
    assert "subjekt" in message
    assert "any_email" in message
    assert "format" in failed(api.get("/v3/grants?format=json"), 400)


@pytest.mark.parametrize(
    "query",
    [
        *("unread=yes", "received_before=soon", "received_before=99999999999999", "received_after=-99999999999999"),
        *(
            "limit=0",
            "limit=-1",
            "limit=x",
            "limit=",
            "limit=1e3",
            "limit=٣",
            "page_token=x",
            "page_token=W10",
            "fields=all",
        ),
        *("in=INBOX", "thread_id=x", "any_email=", "from=,", "metadata_pair=ab", "subject=a%00b", "select="),
        *(
            "page_token=bnVsbA",
            "page_token=WyJhIiwxZTk5OSwiYiJd",
            "search_query_native=",
            "search_query_native=before:x",
        ),
    ],
)
def test_a_wrong_value_is_refused_and_named(api: Client, account: Account, query: str) -> None:
    assert query.partition("=")[0] in failed(api.get(f"/v3/grants/{account.pk}/messages?{query}"), 400)


@pytest.mark.parametrize(
    "name", ["x", "%00", "a" * 2000, "%3C%3E", "00000000-0000-0000-0000-00000000000g", "..%2F..%2Fetc"]
)
@pytest.mark.parametrize("resource", ["messages", "threads", "folders", "attachments"])
def test_an_id_that_is_none_is_not_found(api: Client, account: Account, resource: str, name: str) -> None:
    failed(api.get(f"/v3/grants/{account.pk}/{resource}/{name}"), 404, "not_found_error")


@pytest.mark.parametrize("grant", ["x", "%00", "a@b%00", "é@ü", "a" * 3000, "ME"])
def test_a_grant_that_is_none_is_not_found(api: Client, grant: str) -> None:
    failed(api.get(f"/v3/grants/{grant}"), 404, "not_found_error")


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b'{"a": NaN}', b"[" * 200_000, b"null", b'"x"', b"1" * 5000])
def test_a_body_that_cannot_be_read_is_refused(api: Client, body: bytes) -> None:
    failed(api.post("/v3/connect/custom", body, content_type="application/json"), 400)


def test_a_body_without_end_is_refused(api: Client) -> None:
    body = b'{"a": "' + b"x" * 1_100_000 + b'"}'
    failed(api.post("/v3/connect/custom", body, content_type="application/json"), 413)


def test_a_body_of_another_type_is_refused(api: Client) -> None:
    failed(api.post("/v3/connect/custom", b"<a/>", content_type="text/xml"), 415)


def test_an_answer_of_another_type_cannot_be_had(api: Client) -> None:
    failed(api.get("/v3/grants", headers={"accept": "text/html"}), 406)


def test_too_many_requests_have_their_type_and_say_when_to_come_back() -> None:
    view = GrantList()
    view.setup(RequestFactory().get("/v3/grants"))
    answer = errors.answer(Throttled(wait=1.5), {"view": view})
    assert (answer.status_code, answer.data["error"]["type"], answer["Retry-After"]) == (429, "rate_limit_error", "2")


def test_a_failure_of_our_own_is_logged_and_tells_nothing(
    api: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_view: GrantList, _request: Request) -> None:
        raise RuntimeError("the password is hunter2")

    monkeypatch.setattr(GrantList, "get", fail)
    answer = api.get("/v3/grants")
    assert "hunter2" not in failed(answer, 500, "provider_error")
    assert answer["x-request-id"] in caplog.text
    assert "hunter2" in caplog.text


@pytest.mark.parametrize("path", ["/v3/grants", "/v3/docs", "/v3"])
def test_a_host_that_is_refused_is_an_error_in_the_format(api: Client, path: str) -> None:
    failed(api.get(path, headers={"host": "evil.example"}), 400)


def test_the_root_of_the_api_is_an_unknown_path(api: Client) -> None:
    for method in ("GET", "POST", "DELETE"):
        failed(api.generic(method, "/v3"), 404, "not_found_error")


@pytest.mark.parametrize("path", ["/v3/docs", "/v3/openapi.json"])
def test_errors_of_the_document_and_its_page_have_the_format(api: Client, path: str) -> None:
    failed(api.post(path), 405)
    failed(api.get(path, headers={"accept": "image/png"}), 406)
    assert "version" in failed(api.get(f"{path}?version=x"), 400)
    assert "lang" in failed(api.get(f"{path}?lang=de"), 400)


def test_the_page_is_not_to_be_had_as_json(api: Client) -> None:
    failed(api.get("/v3/docs", headers={"accept": "application/json"}), 406)


def test_outside_of_the_api_errors_are_pages(api: Client) -> None:
    for answer in (api.get("/nothing"), api.get("/", headers={"host": "evil.example"})):
        assert answer.status_code in (404, 400)
        assert "text/html" in answer["Content-Type"]


def test_outside_of_the_views_errors_have_the_format_too() -> None:
    request = RequestFactory().get("/v3/x")
    answers = [
        errors.bad_request(request, Exception()),
        errors.not_found(request, Exception()),
        errors.server_error(request),
    ]
    assert [answer.status_code for answer in answers] == [400, 404, 500]
    assert all(b'"request_id"' in answer.content and answer["x-request-id"] for answer in answers)


def test_every_answer_has_an_id_of_its_own_and_is_kept_by_no_cache(api: Client, account: Account) -> None:
    message = make_message(account)
    grant = f"/v3/grants/{account.pk}"
    answers = [api.get(path) for path in ("/v3/grants", grant, f"{grant}/messages/{message.pk}", "/v3/openapi.json")]
    assert len({UUID(answer["x-request-id"]) for answer in answers}) == 4
    assert {answer["Cache-Control"] for answer in answers} == {"no-store"}


def test_a_store_of_raw_mail_that_is_away_is_said_so(
    api: Client, account: Account, tmp_path: Path, settings: Settings
) -> None:
    settings.SYNCFARM_RAW_STORE = f"file://{tmp_path}/disk"
    (row,) = make_batch(account, make_folder(account), 1)
    Body.objects.all().delete()  # or the raw mail would not be asked for
    (tmp_path / "disk").rename(tmp_path / "unmounted")
    answer = api.get(f"/v3/grants/{account.pk}/messages/{row.pk}")
    assert failed(answer, 503, "provider_error") == "The store of raw mail cannot be reached."
    assert answer["Retry-After"] == "10"
