# Python 3.11 or newer, make and git are all that this needs; the environment is made in .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test check format lint types layers bench lock clean

demo: .venv/run.stamp          ## land, build, validate and activate against the sandbox, twice
	$(BIN)/tailrace demo

test: .venv/dev.stamp          ## everything that must hold before a change lands; some minutes
	$(BIN)/python -m pytest -n 2 --dist loadfile

check: .venv/dev.stamp format-check lint types layers test

format: .venv/dev.stamp
	$(BIN)/ruff format src tests benchmarks
	$(BIN)/ruff check --fix-only --exit-zero src tests benchmarks

format-check: .venv/dev.stamp
	$(BIN)/ruff format --check src tests benchmarks

lint: .venv/dev.stamp
	$(BIN)/ruff check src tests benchmarks

types: .venv/dev.stamp
	$(BIN)/mypy

layers: .venv/dev.stamp
	$(BIN)/lint-imports

bench: .venv/dev.stamp         ## what PERFORMANCE.md quotes, each figure against its reference
	$(BIN)/python -m benchmarks

lock:                          ## needs uv; the locks carry hashes and no index
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.lock
	uv pip compile tests/emulator/requirements.in --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-emulator.lock

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tailrace needs Python 3.11 or newer; $(PYTHON) is older. Run: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.lock pyproject.toml | .venv/bin/python
	@echo "installing the pinned packages into .venv (once; a few minutes on a slow line)"
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml | .venv/bin/python .venv-emulator/run.stamp
	@echo "installing the pinned packages into .venv (once; a few minutes on a slow line)"
	$(PIP) install --require-hashes -r requirements-dev.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	@touch .venv/run.stamp $@

# BigQuery's emulator, in an environment of its own: it wants older packages than tailrace does
.venv-emulator/run.stamp: requirements-emulator.lock
	@echo "installing the emulator of BigQuery, for tests, into .venv-emulator"
	$(PYTHON) -m venv --clear .venv-emulator
	.venv-emulator/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements-emulator.lock
	@touch $@

clean:
	rm -rf .venv .venv-emulator .tailrace warehouse.duckdb* build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
