# Two commands matter: `make demo` shows the agent at work, `make test` proves it. Both install what they need
# into .venv and are quick when it is there. A Python of your choice: make test PYTHON=python3.13

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# how many test processes; one more than cores, because tests wait for servers a third of their time
WORKERS ?= $(shell expr $$(nproc) + 1)
# further words for pytest: make test TESTS="tests/unit -k match"
TESTS ?=
DEMO ?=
BENCH ?=

.PHONY: demo test lint format bench lock clean help

help:
	@echo "make demo    a sample team on real IMAP and CalDAV servers on loopback, until Ctrl-C (DEMO=--once: one pass)"
	@echo "make test    every test, on Dovecot, PostgreSQL, Radicale and Xandikos that it starts itself"
	@echo "make lint    style, types and the direction of imports"
	@echo "make bench   the figures of benchmarks/README.md, measured here"
	@echo "make lock    the newest allowed versions into constraints.txt"

demo: $(VENV)/.has-demo
	$(BIN)/crm-agent demo $(DEMO)

test: $(VENV)/.has-dev
	@.ci/servers dovecot lmtp postgresql
	$(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal -q $(TESTS)

lint: $(VENV)/.has-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.has-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/.has-dev
	@.ci/servers dovecot lmtp postgresql isync
	$(BIN)/python -m benchmarks $(BENCH)

lock:
	.ci/lock $(PYTHON)

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info

# One stamp an extra: made anew when the dependencies change. `dev` holds everything that `demo` does.
$(VENV)/.has-dev: pyproject.toml constraints.txt | $(VENV)/.made
	.ci/install $(VENV) dev
	@touch $@ $(VENV)/.has-demo

$(VENV)/.has-demo: pyproject.toml constraints.txt | $(VENV)/.made
	.ci/install $(VENV) demo
	@touch $@

$(VENV)/.made:
	.ci/environment $(PYTHON) $(VENV)
	@touch $@
