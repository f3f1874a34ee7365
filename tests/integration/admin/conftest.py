"""Somebody to look at the pages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def operator(client: Client) -> Client:
    """Somebody who may do everything, logged in."""
    client.force_login(User.objects.create(username="operator", is_staff=True, is_superuser=True))
    return client
