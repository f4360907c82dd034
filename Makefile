# The two commands to know: `make run` starts the server with nothing else installed, `make test` checks everything.
# Both need only Python 3.11 or newer, git and make; the first call creates .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
# several test processes with threads of linear algebra each wait for one another, and keep the processor busy
export OPENBLAS_NUM_THREADS ?= 1
ARGS ?=

.PHONY: help run test test-redis test-cluster check lint fmt bench drills lock clean setup setup-dev

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

run: setup ## start the server, store three memories, search them, keep serving (ARGS="--once" stops after the search)
	@exec $(BIN)/python scripts/first_run.py $(ARGS)

test: setup-dev ## format, lint, types, imports, tests (ARGS are handed to pytest)
	@$(MAKE) lint
	@$(BIN)/python -m pytest -n 2 $(ARGS)

check: test ## the same as test

lint: setup-dev ## everything but the tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary
	$(BIN)/lint-imports --no-logo

fmt: setup-dev ## format, and fix what can be fixed safely
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

bench: setup-dev ## run every benchmark in benchmarks/ with its small defaults
	@for name in startup append_cost local_model rest_load mcp_overhead sdk_import; do echo "== $$name"; $(BIN)/python -m benchmarks.$$name; done

drills: setup-dev ## kill and starve servers, workers and models for as long as real outages take (a quarter of an hour)
	@DRILLS=full $(BIN)/python -m pytest tests/faults/test_drills.py tests/faults/test_sentinel_failover.py --durations=0 $(ARGS)

test-redis: setup-dev ## the suites of interfaces, operations, promises, commands and clients on Redis (about seven minutes)
	@TEST_ENGINE=redis $(BIN)/python -m pytest -n 2 tests/operations tests/interfaces tests/promises tests/cli tests/client tests/test_examples.py $(ARGS)

test-cluster: setup-dev ## the contract suites and the tests of the Redis engine on a Redis Cluster (about four minutes)
	@$(BIN)/python -m tests.support.redis_cluster $(BIN)/python -m pytest -n 0 tests/contract tests/adapters/redis -k "redis and not test_sentinel" $(ARGS)

lock: setup-dev ## resolve requirements/*.in again
	scripts/lock.sh $(ARGS)

clean: ## remove the environment and every cache
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup:
	@scripts/setup.sh run

setup-dev:
	@scripts/setup.sh dev
