# What there is to do: `make help`. Needs GNU make, a POSIX shell, awk and Python 3.11 to 3.13 with venv.

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help setup demo demo-stop airflow test test-all bench lint format lock clean

# The first of these that runs and is new enough makes .venv; `make setup PYTHON=...` names another.
PYTHON ?= python3.13 python3.12 python3.11 python3 python

# Passed on by demo, airflow, test and lock, for instance: make test ARGS="-k offset -x"
ARGS ?=

# How many tests run side by side: each worker has servers of its own.
WORKERS ?= auto

BIN := .venv/bin

# The user's settings of pip (mirrors, certificates) hold here too, but not those that lead out of .venv.
unexport PYTHONHOME PYTHONPATH PIP_PREFIX PIP_TARGET PIP_USER

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: .venv/.installed ## Make .venv from requirements.lock, every package checked by hash

demo: setup ## Refresh the staging copy of a hospital database, here, on an embedded PostgreSQL
	@$(BIN)/understudy demo $(ARGS)

demo-stop: setup ## Stop and remove everything the demo started
	@$(BIN)/understudy demo stop

airflow: setup ## Run Airflow here, the hospital's night as its first DAG, until Ctrl-C
	@$(BIN)/python -m sanitizers.airflow.local $(ARGS)

test: setup ## Run the tests, real databases included
	@$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

test-all: setup ## Run every test, the exhaustive matrices too, which takes an hour or more
	@$(BIN)/python -m pytest -n $(WORKERS) -m "exhaustive or not exhaustive" $(ARGS)

bench: setup ## Run all benchmarks, half an hour of them, and write benchmarks/results.json
	@set -e; for one in planning scrub forensics snapshots dag_parsing; do $(BIN)/python -m benchmarks.$$one; done

lint: setup ## Check style, types and the layers of the code
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: setup ## Rewrite the code in the project's style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

EXTRAS := --extra aws --extra functions --extra gx --extra airflow --extra lineage --extra embedded --extra dev
COMPILE = $(BIN)/uv pip compile pyproject.toml --generate-hashes --universal --python-version 3.11 \
	--custom-compile-command "make lock" --quiet $(ARGS)

lock: $(BIN)/uv ## Pin the dependencies of pyproject.toml anew; ARGS=--upgrade takes newer releases
	@$(COMPILE) $(EXTRAS) --output-file requirements.lock
	@$(COMPILE) --extra presidio --constraint requirements.lock --output-file requirements-presidio.lock

clean: ## Remove .venv, caches and builds
	rm -rf .venv build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Candidates are run, not looked up: version managers leave shims behind that exist and fail.
CHECK := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))

$(BIN)/uv: .venv/.packages

.venv/.packages: requirements.lock
	@python=; for candidate in $(PYTHON); do \
		if "$$candidate" -c '$(CHECK)' >/dev/null 2>&1; then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo 'No Python 3.11, 3.12 or 3.13 with venv found (tried: $(PYTHON)).' >&2; \
		echo 'Install one (Debian, Ubuntu: apt install python3 python3-venv), or name it: make setup PYTHON=/path/to/python3.12' >&2; \
		exit 1; \
	fi; \
	echo "Setting up .venv with $$("$$python" --version) ..."; \
	"$$python" -m venv --clear .venv
	@awk '/^[^ #]/ { wanted = /^uv==/ } wanted && !/^ *#/' requirements.lock > .venv/uv.lock
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r .venv/uv.lock \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --compile-bytecode -r requirements.lock; \
	then :; else \
		echo 'uv could not install the packages here; pip does it, which takes a minute or more ...' >&2; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock; \
	fi
	@touch $@

# hatchling and editables came with the lock, so that nothing unhashed is fetched to build the project.
.venv/.installed: .venv/.packages pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
