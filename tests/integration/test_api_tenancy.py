"""Over every route there is: nothing without a key, nothing of another application, nothing of another grant."""

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import URLPattern

from accounts.models import Account
from api.urls import urlpatterns
from api.views.contract import ContractView
from mail import intent
from tests.integration.factories import make_account, make_application, make_folder, make_key, make_message, unknown_id

pytestmark = pytest.mark.django_db
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def contract_routes() -> Iterator[str]:
    for pattern in urlpatterns:
        assert isinstance(pattern, URLPattern)
        if issubclass(pattern.callback.view_class, ContractView):  # type: ignore[attr-defined]
            yield str(pattern.pattern) or "nowhere/at/all"


ROUTES = list(contract_routes())
GRANT_ROUTES = [route for route in ROUTES if "<str:grant>" in route]


def concrete(route: str, grant: str, **ids: str) -> str:
    path = route.replace("<str:grant>", grant)
    return "/v3/" + re.sub(r"<\w+:(\w+)>", lambda match: ids.get(match[1], unknown_id()), path)


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def ids_in(account: Account) -> dict[str, str]:
    message = make_message(account, make_folder(account))
    return {
        "message": str(message.pk),
        "thread": str(message.thread_id),
        "folder": str(message.folder_ids[0]),
        "attachment": f"{message.pk.hex}p1",
    }


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "headers", [{}, bearer("sf_wrong"), {"authorization": "Basic dTpw"}, {"authorization": "Bearer"}]
)
def test_there_is_no_answer_without_a_key(client: Client, route: str, headers: dict[str, str]) -> None:
    path = concrete(route, str(make_account().pk))
    for method in METHODS:
        answer = client.generic(method, path, headers=headers)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer"), (method, answer.content)
        assert answer.json()["error"]["type"] == "unauthorized"


@pytest.mark.parametrize("route", GRANT_ROUTES)
def test_a_foreign_grant_cannot_be_told_from_a_missing_one(client: Client, route: str) -> None:
    foreign = make_account(email="victim@example.test")
    ids = ids_in(foreign)
    headers = bearer(make_key(make_application())[1])
    for method in METHODS:
        answers = [
            client.generic(method, concrete(route, grant, **ids), headers=headers)
            for grant in (str(foreign.pk), foreign.email, unknown_id(), "nobody@example.test")
        ]
        assert {answer.status_code for answer in answers} == {404}, (method, route)
        messages = [
            answer.json()["error"]["message"].replace(grant, "?")
            for answer, grant in zip(answers, (str(foreign.pk), foreign.email), strict=False)
        ]
        assert len(set(messages)) == 1


@pytest.mark.parametrize("route", GRANT_ROUTES)
def test_a_removed_grant_is_not_found(client: Client, route: str) -> None:
    account = make_account()
    headers = bearer(make_key(account.application)[1])
    token = bearer(make_key(account.application, account)[1])
    intent.remove(account.pk)
    assert client.get(concrete(route, str(account.pk)), headers=headers).status_code == 404
    assert client.get(concrete(route, "me"), headers=token).status_code == 401


@pytest.mark.parametrize("route", GRANT_ROUTES)
def test_a_grant_token_does_not_see_the_grant_beside_its_own(client: Client, route: str) -> None:
    mine = make_account()
    other = make_account(mine.application)
    headers = bearer(make_key(mine.application, mine)[1])
    assert client.get(concrete(route, str(other.pk), **ids_in(other)), headers=headers).status_code == 404
    assert client.get(concrete(route, other.email), headers=headers).status_code == 404


@pytest.mark.parametrize(
    "route", [route for route in GRANT_ROUTES if re.search(r"<\w+:(message|thread|folder|attach)", route)]
)
def test_a_foreign_object_under_ones_own_grant_is_not_found(client: Client, route: str) -> None:
    foreign, mine = make_account(), make_account()
    headers = bearer(make_key(mine.application)[1])
    assert client.get(concrete(route, str(mine.pk), **ids_in(foreign)), headers=headers).status_code == 404


def test_filters_by_foreign_ids_find_nothing(client: Client) -> None:
    foreign, mine = make_account(), make_account()
    ids = ids_in(foreign)
    headers = bearer(make_key(mine.application)[1])
    for query in (f"in={ids['folder']}", f"thread_id={ids['thread']}"):
        for listing in ("messages", "threads"):
            assert client.get(f"/v3/grants/{mine.pk}/{listing}?{query}", headers=headers).json()["data"] == []


def test_a_list_of_grants_holds_what_the_key_may_see(client: Client) -> None:
    mine = make_account()
    other = make_account(mine.application)
    make_account()
    for account, seen in ((None, {str(mine.pk), str(other.pk)}), (mine, {str(mine.pk)})):
        headers = bearer(make_key(mine.application, account)[1])
        assert {each["id"] for each in client.get("/v3/grants", headers=headers).json()["data"]} == seen


def test_me_is_the_tokens_own_grant_and_nothing_for_an_api_key(client: Client) -> None:
    account = make_account()
    token, key = make_key(account.application, account)[1], make_key(account.application)[1]
    assert client.get("/v3/grants/me", headers=bearer(token)).json()["data"]["id"] == str(account.pk)
    assert client.get("/v3/grants/me", headers=bearer(key)).status_code == 400


def test_a_grant_token_can_neither_connect_nor_remove(client: Client) -> None:
    account = make_account()
    headers = bearer(make_key(account.application, account)[1])
    for method, path in (
        ("POST", "connect/custom"),
        ("POST", "providers/detect?email=a@example.test"),
        ("DELETE", f"grants/{account.pk}"),
    ):
        answer = client.generic(method, f"/v3/{path}", headers=headers)
        assert (answer.status_code, answer.json()["error"]["type"]) == (403, "unauthorized")
    assert Account.objects.present().filter(pk=account.pk).exists()
