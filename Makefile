.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.installed
export DAGSTER_HOME := $(CURDIR)/.dagster

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(RUN) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

install: $(STAMP) ## the environment, from requirements.lock

demo: $(STAMP) ## every sync against stand-in platforms, twice, and a comparison
	$(RUN) -W ignore -m pullpush_dagster.demo

dev: $(STAMP) ## a living system: stand-ins, the web UI on port 3000 (PORT=), drift; until Ctrl-C
	@exec $(RUN) -W ignore -m pullpush_dagster.dev

test: $(STAMP) ## all tests
	$(RUN) -m pytest -q -n 3 --dist loadgroup

check: $(STAMP) ## style, types, import directions, house figures
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(RUN) tests/house.py

bench-latency: $(STAMP) ## from a change's being accepted to its receipt, under a real `dagster dev` (RUNS=); ten minutes
	$(RUN) -W ignore -m benchmarks.latency --runs $${RUNS:-20}

bench: $(STAMP) ## benchmarks, each with a floor measured in the same run
	$(RUN) -m benchmarks.diff
	$(RUN) -m benchmarks.map
	$(RUN) -m benchmarks.pull
	$(RUN) -m benchmarks.claim
	@if [ -n "$$PULLPUSH_JUDGE" ]; then set -x; $(RUN) -m benchmarks.push; fi
	@if [ -n "$$PULLPUSH_PEERS" ]; then set -x; $(RUN) -m benchmarks.peers; fi

crash: $(STAMP) ## kill -9 of 500 run workers, 100 pushes and 5 whole `dagster dev`s at random moments (PULLPUSH_CRASHES=), 64 runs at once
	PULLPUSH_CRASHES=$${PULLPUSH_CRASHES:-500} PULLPUSH_AT_ONCE=64 $(RUN) -m pytest -q -s \
	  tests/flows/test_crashes.py tests/orchestration/test_killed.py tests/unit/push/pushing/test_killed.py

simulate: $(STAMP) ## 10,000 histories of faults and deaths (SEEDS=); the shortest story of one that breaks a promise
	$(VENV)/bin/pullpush simulate --seeds $${SEEDS:-10000}

ui: $(STAMP) ## Dagster's web UI with this project
	@mkdir -p $(DAGSTER_HOME) && cp dagster.yaml $(DAGSTER_HOME)/
	$(VENV)/bin/dagster dev -w workspace.yaml -h 127.0.0.1

connector-docs: $(STAMP) ## docs/connectors and the README's table of platforms, from the connector files
	$(RUN) -m pullpush_dagster.listing --docs docs/connectors

lock: ## pin requirements.lock anew (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
	  --extra dev pyproject.toml -o requirements.lock

clean: ## remove everything that was made here
	rm -rf $(VENV) data .dagster .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache

.PHONY: help install demo dev test check bench bench-latency crash simulate ui connector-docs lock clean
