from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django_celery_beat.models import PeriodicTask

from syncfarm import schedule

pytestmark = pytest.mark.django_db
TASKS = reverse("admin:django_celery_beat_periodictask_changelist")


def staff(client: Client, *permissions: str) -> Client:
    user = User.objects.create(username="staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def act(client: Client, action: str) -> Any:
    schedule.ensure()
    chosen = list(PeriodicTask.objects.values_list("pk", flat=True))
    return client.post(TASKS, {"action": action, "_selected_action": chosen, "index": "0"})


@pytest.mark.parametrize("action", ["disable_tasks", "toggle_tasks"])
def test_who_may_only_look_at_the_schedule_cannot_switch_the_farm_off(client: Client, action: str) -> None:
    act(staff(client, "view_periodictask"), action)
    assert not PeriodicTask.objects.filter(enabled=False).exists()


def test_who_may_only_look_at_the_schedule_is_offered_no_action(client: Client) -> None:
    assert 'name="action"' not in staff(client, "view_periodictask").get(TASKS).content.decode()


def test_who_may_change_the_schedule_may_switch_it_off(client: Client) -> None:
    act(staff(client, "view_periodictask", "change_periodictask"), "disable_tasks")
    assert not PeriodicTask.objects.filter(enabled=True).exists()
