#!/bin/sh
# Makes .venv with the packages that requirements/$1.txt locks, and its stamp. $PYTHON selects the interpreter.
set -eu

fits='import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
version='import sys; print("%d.%d" % sys.version_info[:2])'

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        "$PYTHON" -c "$fits" 2>/dev/null && { echo "$PYTHON"; return; }
        echo "PYTHON=$PYTHON will not do: Syncfarm needs Python 3.11, 3.12 or 3.13 with venv." >&2
        exit 1
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        "$candidate" -c "$fits" 2>/dev/null && { echo "$candidate"; return; }
    done
    echo "Syncfarm needs Python 3.11, 3.12 or 3.13 with venv (Debian: apt-get install python3 python3-venv);" \
        "PYTHON=/path/to/python selects one." >&2
    exit 1
}

present=$(.venv/bin/python -c "$version" 2>/dev/null || true)
if [ -z "$present" ] || { [ -n "${PYTHON:-}" ] && [ "$present" != "$("$PYTHON" -c "$version" 2>/dev/null)" ]; }; then
    python=$(find_python)
    echo "Making .venv with Python $("$python" -c "$version") …"
    "$python" -m venv --clear .venv
fi

echo "Installing the packages of requirements/$1.txt into .venv …"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "requirements/$1.txt"
# flanker writes the tables of its grammars into its package at its first import, with no lock: two processes that start
# at once would read each other's halves.
.venv/bin/python -c "import logging; logging.disable(); import flanker.addresslib.address"
touch ".venv/$1.stamp"
[ "$1" = base ] || touch .venv/base.stamp
