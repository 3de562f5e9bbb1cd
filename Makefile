# ptlint: everything a fresh machine needs is Python 3.11 (with venv), git and make.
#
#   make demo     set up, then check the bundled series on the bundled tree (it has a finding)
#   make test     set up, then run the tests; make test ARGS="tests/report -k sarif" runs some
#   make lint     format check, lint and types
#   make format   rewrite to the project's format
#   make wheel    build dist/ptlint-*.whl
#   make compiled compile the front end again, after a change of its sources (else it runs as plain Python)
#   make clean    remove what the other targets made

SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-for-ptlint
DEMO := fixtures/demo

.PHONY: demo test lint format wheel compiled clean

# The demo series breaks a contract on purpose: the run must end with 1, "there are findings".
demo: $(READY)
	@status=0; $(BIN)/ptlint check --tree $(DEMO)/tree $(DEMO)/series.mbox || status=$$?; \
	if [ $$status -ne 1 ]; then echo "demo: expected exit code 1 (findings), got $$status" >&2; exit 1; fi

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(READY)
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

compiled: $(READY)
	$(BIN)/python -m ptlint.compiling

clean:
	rm -rf $(VENV) ptlint/_compiled dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# PYTHON=... names an interpreter; otherwise the first that is new enough and can make environments.
$(READY): pyproject.toml
	@python=''; \
	for candidate in $(PYTHON) python3.11 python3 python3.12 python3.13 python3.14; do \
		if $$candidate -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			python=$$candidate; break; \
		fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "ptlint needs Python 3.11 or newer with its venv module (Debian: apt install python3-venv)" >&2; exit 2; \
	fi; \
	echo "setting up $(VENV) with $$python"; \
	test -x $(BIN)/python || $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[lore]' --group dev
	@$(BIN)/python -m compileall -q ptlint rules
	@$(BIN)/python -m ptlint.compiling || true  # it says why not; plain Python does as well
	@touch $@
