"""The lease outlives nothing that its holder survives."""

import psycopg2
import pytest
from django.db import OperationalError, connection

from accounts.models import Account
from mail import lease
from tests.integration.factories import make_account

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_lease_is_given_back_though_the_database_was_restarted_meanwhile() -> None:
    account = make_account()
    with pytest.raises(OperationalError), lease.held(account.id, lease.claim(account.id)):
        lose_the_connection()
    assert Account.objects.get(id=account.id).lease_token is None


def lose_the_connection() -> None:
    """As a restarted server does; found out by the next query. Raises OperationalError."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
        there = {name: connection.settings_dict[name.upper()] for name in ("user", "password", "host", "port")}
        with psycopg2.connect(dbname=connection.settings_dict["NAME"], **there) as other:
            other.cursor().execute("SELECT pg_terminate_backend(%s)", [backend])
        cursor.execute("SELECT 1")
