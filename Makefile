# Everything that people and CI run. Each target sets up what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help
# Suites that wait for real drills; `make drills` runs them, `make test` the others.
DRILLED := library cli crash conformance operations/test_what_it_proves.py chart/test_serving.py \
	chart/test_watching.py chart/test_rights.py controller/test_runs.py controller/test_takeover.py \
	controller/test_versions.py docs/test_commands.py calendars/test_year.py

.PHONY: help setup demo test floor drills e2e takeover figures cluster-up cluster-down check docs chart bench bench-load bench-stats bench-proxy crash chaos schedule-year transcript lock clean

help: ## what there is
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# Installing is an order of its own, so that a second `make` costs nothing.
$(VENV)/runtime: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("chaosctl needs Python 3.11 or newer; name one with make PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@echo "setting up $(VENV) (once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/dev: $(VENV)/runtime requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/dev ## install everything that developers need into .venv

# A cluster is meant only where it is named on the command line: one that a shell happens to use is left alone.
DEMO_ON := $(if $(filter command line,$(origin KUBECONFIG)),--kubeconfig $(KUBECONFIG))
demo: $(VENV)/runtime ## break a served model four ways and write the post-mortems; on a cluster: KUBECONFIG=FILE
	@$(BIN)/python -m chaosctl demo $(DEMO_ON)

# What failed in the crowd is tried again alone: make test AGAIN=1, or drills, or e2e.
ONLY := $(if $(AGAIN),-n 0 --last-failed --last-failed-no-failures none)

# Counting lines doubles the time of the tests, so it is asked for: make test COVER=1, then make floor.
test: $(VENV)/dev ## the tests
	@$(BIN)/python -m pytest -n 4 --dist worksteal $(if $(COVER),--cov --cov-report=) $(foreach room,e2e $(DRILLED),--ignore=tests/$(room)) tests $(ONLY)

floor: $(VENV)/dev ## what share of each room the last `make test COVER=1` ran, against its floor
	@$(BIN)/python tests/coverage_floor.py

drills: $(VENV)/dev ## every shipped playbook and command for real, and bad days: takes longer
	@$(BIN)/python -m pytest -n 3 --dist loadfile $(foreach room,$(DRILLED),tests/$(room)) $(ONLY)

e2e: $(VENV)/dev ## the tests on a real Kubernetes, which is built once; or on that of KUBECONFIG_E2E
	@tests/e2e/run tests/e2e/both $(abspath $(BIN)/python) $(ONLY)

takeover: $(VENV)/dev ## kill the controller's leader at every position, on a real Kubernetes; print the table
	@PYTHONPATH=tests tests/e2e/run $(abspath $(BIN)/python) -m e2e.takeover

figures: $(VENV)/dev ## what the controller costs, and how soon it acts, on a real Kubernetes
	@PYTHONPATH=tests tests/e2e/run $(abspath $(BIN)/python) -m e2e.figures

cluster-up: ## start a one-node Kubernetes in a network of its own; built once, in about 15 minutes
	@tests/cluster/testnode/up

cluster-down: ## stop it and remove what it wrote
	@tests/cluster/testnode/down

check: $(VENV)/dev ## format, lint, types, layers, lock
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

docs: $(VENV)/dev ## write docs/reference/ from the code
	@$(BIN)/python docs/generate.py

chart: $(VENV)/dev ## write the parts of helm/chaosctl that come from the code
	@$(BIN)/python helm/generate.py

bench: $(VENV)/dev ## the figures in the docs
	@cd tests && ../$(BIN)/python -m bench

bench-load: $(VENV)/dev ## the load generator beside others, in one run; installs them
	@tests/tools/loaders
	@cd tests && ../$(BIN)/python -m bench.loads

bench-stats: $(VENV)/dev ## how often decisions are wrong and how soon they come, simulated: a few minutes
	@cd tests && ../$(BIN)/python -m bench.decisions

bench-proxy: $(VENV)/dev ## the fault proxy beside toxiproxy, which is built once
	@tests/tools/beside-proxy
	@cd tests && ../$(BIN)/python -m bench.proxies

crash: $(VENV)/dev ## kill the runner at every position; print the table
	@cd tests && ../$(BIN)/python -m crash.matrix

chaos: $(VENV)/dev ## signals, a full disk, a locked store, an API server that misbehaves
	@cd tests && ../$(BIN)/python -m crash.chaos

schedule-year: $(VENV)/dev ## a simulated year of schedules; print what became of every time
	@cd tests && ../$(BIN)/python -m calendars.year

transcript: $(VENV)/dev ## what kubectl prints on the sandbox, verb by verb
	@CHAOSCTL=$(abspath $(BIN)/chaosctl) tests/sandbox/transcript.sh

lock: ## write the lock files anew
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra build pyproject.toml -o requirements.lock
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra build --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove what make made
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
