"""Applications: the farm's customers."""

from django.db import IntegrityError, transaction

from accounts.models import Application


class NameTaken(Exception):
    """Another application of the farm has this name."""


def rename(application: Application, name: str) -> None:
    """Raises NameTaken."""
    try:
        with transaction.atomic():
            Application.objects.filter(pk=application.pk).update(name=name)
    except IntegrityError:
        raise NameTaken from None
    application.name = name
