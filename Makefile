# `make run` and `make test` are all the set-up there is. A stamp in .venv says that the pinned packages are in place.
PYTHON ?= python3
BIN := .venv/bin
# The OpenID provider that the tests sign in with, the driver of docs/rest_endpoint.mjs, and axe-core for pages.
PROVIDER := tests/sign_in/provider/node_modules/.stamp

.PHONY: run test check lint unit bench load lock sample pictures clean

run: .venv/run.stamp
	$(BIN)/python -m streamlit run Home.py

test: lint unit

# At most a minute: all but what starts a server, a browser or a program of its own.
check: lint
	$(BIN)/python -m pytest -n auto --dist loadfile --quick

lint: .venv/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/dev.stamp $(PROVIDER)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --durations=10

bench: .venv/dev.stamp
	$(BIN)/python -m tests.benchmarks $(BENCH)

load: .venv/dev.stamp
	$(BIN)/python -m tests.load $(LOAD)

sample: .venv/dev.stamp
	$(BIN)/python -m lib.sample --out sample.db

pictures: .venv/dev.stamp
	$(BIN)/python -m tests.browser.pictures docs/pictures

lock: .venv/dev.stamp
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url -q pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-emit-index-url -q --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean:
	rm -rf .venv tests/sign_in/provider/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or later is needed; name it with: make run PYTHON=python3.12" >&2; exit 1)
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@ .venv/run.stamp

$(PROVIDER): tests/sign_in/provider/package-lock.json
	npm ci --silent --no-audit --no-fund --ignore-scripts --prefix tests/sign_in/provider
	touch $@
