"""Beat's schedule in the theme of the other pages; and no pages for schedules that this farm has no use of."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django_celery_beat.admin import PeriodicTaskAdmin, PeriodicTaskForm
from django_celery_beat.models import ClockedSchedule, CrontabSchedule, IntervalSchedule, PeriodicTask, SolarSchedule
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

for model in (PeriodicTask, IntervalSchedule, CrontabSchedule, SolarSchedule, ClockedSchedule):
    admin.site.unregister(model)


class TaskSelect(UnfoldAdminSelectWidget, PeriodicTaskForm.base_fields["regtask"].widget.__class__):  # type: ignore[misc]  # no types
    """The registered tasks, in the theme's clothes."""


class TaskForm(PeriodicTaskForm):  # type: ignore[misc]  # no types
    """The fields that the theme does not reach by itself."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.fields["task"].widget = UnfoldAdminTextInputWidget()
        self.fields["regtask"].widget = TaskSelect()


@admin.register(PeriodicTask)
class ScheduledTaskAdmin(PeriodicTaskAdmin, ModelAdmin):  # type: ignore[misc]  # no types
    """What beat starts, and when."""

    form = TaskForm
    date_hierarchy = None
    list_filter = ("enabled",)
    list_display = ("name", "task", "scheduler", "enabled", "last_run_at", "total_run_count")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """None for who may only look: the package's actions enable, disable and run, and declare no permissions."""
        return dict(super().get_actions(request)) if self.has_change_permission(request) else {}


@admin.register(IntervalSchedule, CrontabSchedule)
class TimesAdmin(ModelAdmin):  # type: ignore[misc]  # no types
    """Times to choose from."""
