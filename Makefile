# What a person does here. Needs make and Python 3.11 or later, and brings the rest into .venv.
# `make PYTHON=/path/to/python …` builds .venv from that Python, not from the newest one found.

PY := .venv/bin/python
READY := .venv/.ready
# Each process of the tests starts servers of its own, so more than four gain little.
SHARED := --numprocesses auto --maxprocesses 4 --dist worksteal

.PHONY: help run demo test check fmt bench timing fuzz docs requirements clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 22

run: $(READY) ## start everything on this machine, and keep serving until Ctrl-C
	@$(PY) -m deploy.local run

demo: $(READY) ## start everything, walk real sign-ins, print each exchange, stop
	@$(PY) -m deploy.local demo

# The unit tests alone are measured: what a server happens to pass through is not thereby tested.
test: $(READY) ## run all tests; they start the real servers they need
	@$(PY) -m pytest tests/unit --cov $(SHARED)
	@$(PY) -m pytest tests/integration tests/e2e $(SHARED)

check: $(READY) ## lint, format, types, import rules, requirements, tracked files
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m mypy --no-error-summary
	@$(PY) .venv/bin/lint-imports --no-logo
	@$(PY) -m tools.requirements check
	@$(PY) -m tools.tracked

fmt: $(READY) ## format, and mend what ruff can mend safely
	@$(PY) -m ruff check --quiet --fix-only
	@$(PY) -m ruff format --quiet

bench: $(READY) ## measure a step beside its floors
	@$(PY) -m tests.bench

timing: $(READY) ## measure whether an answer's time tells who has an account (500 tries each)
	@TIMING_TRIES=500 $(PY) -m pytest -q tests/integration/executor/test_timing.py

fuzz: $(READY) ## send thousands of requests by what /openapi.json says (FUZZ_SEED=… repeats)
	@$(PY) -m tests.fuzz

docs: $(READY) ## write docs/reference anew from the code
	@$(PY) -m tools.docs write

requirements: $(READY) ## pin anew what the pyprojects declare (UPGRADE=1: the newest of all)
	@$(PY) -m tools.requirements pin $(if $(UPGRADE),--upgrade)

clean: ## remove the environment, the local data and the caches
	@rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements/dev.txt tools/environment
	@PYTHON="$(PYTHON)" sh tools/environment && touch $@
