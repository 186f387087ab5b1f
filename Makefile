# Every target does its own set-up in .venv; the first one takes a minute, the next ones nothing.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/pytest
.DEFAULT_GOAL := help
# Where it is set, every process that a test starts compiles all of Buttress anew.
unexport PYTHONDONTWRITEBYTECODE
# Of the long tests, those that measure how long somebody waits: nothing else runs beside them.
ALONE := $(patsubst %,tests/long/test_%.py,serve_under_kills streams_under_kills soak)
.PHONY: help setup setup-dev demo test test-long check format bench docs constraints clean

help:  ## Say what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | awk -F'\t' '{printf "  make %-12s %s\n", $$1, $$2}'

setup:
	@$(PYTHON) tools/bootstrap.py local

setup-dev:
	@$(PYTHON) tools/bootstrap.py local dev

demo: setup  ## Answer a question from the example's documents, with citations; stays up on a terminal
	@$(BIN)/buttress demo

check: setup-dev  ## The fast loop: format, lint, types, laws of import, quick tests (under a minute)
	@$(BIN)/ruff format --check --quiet . || (echo "run: make format" && false)
	@$(BIN)/ruff check --quiet .
	@$(MAKE) --no-print-directory -j 2 check-types check-laws check-tests

# Side by side: types are one process, and take as long as all the rest.
.PHONY: check-types check-laws check-tests
check-types:
	@$(BIN)/mypy
check-laws:
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/check_house.py
check-tests:
	@$(PYTEST) -q -n 2 --dist worksteal -m "not slow and not long" --hypothesis-profile fast tests/docs tests/unit

format: setup-dev  ## Format and mend what can be mended by itself
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# Three, on two cores, too: one of them often waits, for processes to start or for seconds to pass.
test: setup-dev  ## All but the long tests (under ten minutes)
	@$(PYTEST) -q -n 3 --dist worksteal -m "not long"

test-long: setup-dev  ## Kill loops, whole collections
	@$(PYTEST) -q -n 2 --dist loadfile -m long --timeout 1800 $(addprefix --ignore=,$(ALONE))
	@$(PYTEST) -q -m long --timeout 1800 $(ALONE)

bench: setup-dev  ## Measure; prints a table and writes artifacts/bench.json
	@$(BIN)/python benchmarks/run.py

docs: setup-dev  ## Generate the reference pages and check every page
	@$(BIN)/python tools/reference.py
	@$(PYTEST) -q tests/docs

constraints: setup-dev  ## Take the versions that are installed now as the ones to install
	@$(BIN)/python tools/constraints.py > constraints.new && mv constraints.new constraints.txt

clean:  ## Remove what was generated here, .venv included
	rm -rf .venv artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
