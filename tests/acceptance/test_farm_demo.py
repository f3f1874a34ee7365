"""`make demo` as a newcomer meets it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from syncfarm.demo.server import modified_utf7
from syncfarm.embedded import child
from syncfarm.env import VARIABLES
from syncfarm.farm import MARK

ROOT = Path(__file__).parents[2]
WITHOUT_DOVECOT = """
from syncfarm.dovecot import Dovecot
Dovecot.installed = staticmethod(lambda: False)
from syncfarm.demo.__main__ import main
main()
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("start", [["-m", "syncfarm.demo"], ["-c", WITHOUT_DOVECOT]], ids=["dovecot", "pymap"])
def test_the_demo_mirrors_verifies_and_leaves_nothing_running(start: list[str], tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    result = subprocess.run(
        [sys.executable, *start, "--once"],
        cwd=ROOT,
        env=env | {"SYNCFARM_VAR": str(tmp_path / "var")},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"Mirrored and verified: all \d{3} mails", result.stdout)
    assert len(re.findall(r"^  curl .*http://127\.0\.0\.1:\d+/v3/grants/", result.stdout, re.MULTILINE)) == 3
    assert child.marked(MARK, str(tmp_path / "var")) == []
    assert child.working_in(tmp_path / "var" / "postgres" / "data") == []


def test_folder_names_are_written_as_imap_wants_them() -> None:
    assert modified_utf7("Entwürfe") == "Entw&APw-rfe"
    assert modified_utf7("A/B & C") == "A/B &- C"
    assert modified_utf7("INBOX.日本語") == "INBOX.&ZeVnLIqe-"
