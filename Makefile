# Everything an operator or a contributor types. Each target installs what it needs into .venv.
#   PYTHON=python3.12 make test    selects the interpreter (3.11 to 3.13)

SHELL := /bin/sh
.DEFAULT_GOAL := help
BIN := .venv/bin
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

help:
	@echo "make demo          a farm with a sample mailbox; ONCE=1 ends when it is mirrored and verified"
	@echo "make run           the farm"
	@echo "make test          lint, types, import contracts and all tests"
	@echo "make bench         benchmarks beside peers; writes bench/results.json and docs/performance.md"
	@echo "make fmt lint type the parts of that; make lock compiles requirements/*.in"

demo: .venv/base.stamp
	@exec $(BIN)/python -m syncfarm.demo $(if $(filter-out 0,$(ONCE)),--once)

run: .venv/base.stamp
	@exec $(BIN)/python -m syncfarm.farm

# A file stays on one worker: its tests may share a farm, in order. In the order of the directories, or the farms, which
# take minutes and are few tests, would begin last.
test: .venv/dev.stamp
	@sh requirements/system.sh dovecot chromium
	@$(MAKE) --no-print-directory tests/node/node_modules/.package-lock.json
	@$(MAKE) --no-print-directory lint type
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

bench: .venv/dev.stamp
	@sh requirements/system.sh dovecot mbsync offlineimap
	$(BIN)/python -m bench

fmt: .venv/dev.stamp
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

type: .venv/dev.stamp
	$(BIN)/mypy .

# The product runs on what base.txt locks; dev.txt holds all of base.txt and more.
.venv/base.stamp: requirements/base.txt requirements/venv.sh
	@sh requirements/venv.sh base

.venv/dev.stamp: requirements/dev.txt requirements/venv.sh
	@sh requirements/venv.sh dev

# The official Node SDK of the contract, for tests alone; npm asks the registry that it is configured for.
tests/node/node_modules/.package-lock.json: tests/node/package-lock.json
	@cd tests/node && { ../../$(BIN)/npm ci --loglevel=error --no-progress >/dev/null || { echo "npm could not install tests/node/package-lock.json." >&2; exit 1; }; }
	@touch $@

lock:
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@cd requirements && for name in base dev prod; do \
	  uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.11 \
	    $$name.in -o $$name.txt || exit 1; done

.PHONY: help demo run test bench fmt lint type lock
