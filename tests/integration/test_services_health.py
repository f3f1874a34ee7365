"""The site's root and its health."""

import pytest
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db


def test_the_root_leads_to_the_documentation_and_the_administration(client: Client) -> None:
    page = client.get("/").content.decode()
    assert 'href="/v3/docs' in page
    assert 'href="/admin/"' in page


def test_a_farm_whose_services_answer_is_well(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"database": True, "redis": True})


def test_a_farm_without_its_broker_is_not_well(client: Client, settings: Settings) -> None:
    settings.SYNCFARM_REDIS_URL = "unix:///REDIS_URL-is-not-set"
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (503, {"database": True, "redis": False})


def test_pages_say_how_they_may_be_used(client: Client) -> None:
    response = client.get("/")
    assert response["X-Frame-Options"] == "DENY"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
