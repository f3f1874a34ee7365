"""What a farm keeps is for its owner's eyes, and what it prints is for logs."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from syncfarm import vardir
from syncfarm.farm import administrator


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture(autouse=True)
def _generous_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_a_directory_that_existed_before_is_closed_to_others(tmp_path: Path) -> None:
    var = tmp_path / "var"
    var.mkdir(mode=0o755)
    vardir.prepare(var)
    assert mode(var) == 0o700


def test_a_directory_that_is_everybodys_stays_so(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    vardir.prepare(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_a_log_is_its_owners_alone_also_where_an_older_one_was_not(tmp_path: Path) -> None:
    log = tmp_path / "farm.log"
    log.write_text("older")
    log.chmod(0o644)
    with vardir.new_log(log) as file:
        file.write(b"new")
    assert (mode(log), log.read_text()) == (0o600, "new")


@pytest.mark.django_db
def test_a_log_has_the_password_only_when_it_was_just_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "admin_password"
    first = administrator(path)
    password = path.read_text().strip()
    assert first == f"user admin, password {password}"
    assert administrator(path) == f"user admin, password in {path}"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert administrator(path) == first


@pytest.mark.django_db
def test_a_password_that_was_changed_is_not_told(tmp_path: Path) -> None:
    administrator(tmp_path / "admin_password")
    user = User.objects.get(username="admin")
    user.set_password("another one")
    user.save()
    assert administrator(tmp_path / "admin_password") == "user admin, with the password you set"
