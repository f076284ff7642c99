# Crible: `make demo` shows it, `make test` tests it. Needs Python 3.11 to 3.13 with its venv module, and make; no compiler.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.crible
LOCK := requirements.lock
BENCH := .venv-bench
PYTHON ?= python3 python3.13 python3.12 python3.11
PYTEST_ARGS ?=
DEMO_ARGS ?=
BENCH_ARGS ?=

# The stamp names the folder, because an environment's scripts hold absolute paths; it is stale where they differ,
# where the interpreter is gone, or where the lock or the project file is newer.
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null):$(shell cat $(STAMP) 2>/dev/null),runs:$(CURDIR))
STALE := stale
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-kafka test-cluster test-all lint bench lock clean stale

help: ## show the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: $(STAMP) ## start a broker and Redis, screen a simulated health insurance, say what was found
	@$(BIN)/crible demo $(DEMO_ARGS)

test: $(STAMP) ## the quick suite (PYTEST_ARGS="tests/house -k broker" narrows it)
	$(BIN)/python -m pytest -m "not slow and not kafka and not cluster" $(PYTEST_ARGS)

test-kafka: $(STAMP) ## the tests on Apache Kafka, one node and three (needs java and mvn)
	$(BIN)/python -m pytest -m kafka $(PYTEST_ARGS)

test-cluster: $(STAMP) ## the tests on a Redis Cluster of three masters and three replicas
	$(BIN)/python -m pytest -m "cluster and not kafka" $(PYTEST_ARGS)

test-all: $(STAMP) ## every test, the long ones too
	$(BIN)/python -m pytest $(PYTEST_ARGS)

lint: $(STAMP) ## style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) $(BENCH)/.crible ## measure: tables on screen, JSON in bench/results
	$(BIN)/python -m bench $(BENCH_ARGS)

lock: $(STAMP) ## resolve the dependencies anew into requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.13,<0.14"
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	  --no-emit-index-url --no-emit-find-links --upgrade --extra dev pyproject.toml --output-file $(LOCK)

clean: ## remove the environment, caches and results
	rm -rf $(VENV) $(BENCH) build dist bench/results .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -path ./.git -prune -o -type d -name __pycache__ -prune -exec rm -rf {} +

# What is only compared with or only profiles: it cannot be installed beside Crible (docs/benchmark.md).
$(BENCH)/.crible: $(STAMP) $(wildcard bench/requirements.txt)
	@echo "crible: setting up $(BENCH)"
	@$(BIN)/python -m venv --clear $(BENCH)
	@$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: -r bench/requirements.txt \
	  && touch $@ || echo "crible: $(BENCH) is not complete: the bench says what it leaves out" >&2

# The first of $(PYTHON) that has a version for which all dependencies come as wheels.
$(STAMP): $(LOCK) pyproject.toml $(STALE)
	@python=; for name in $(PYTHON); do \
	  "$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && python=$$name && break; \
	done; \
	test -n "$$python" || { \
	  echo "crible: no Python 3.11, 3.12 or 3.13 found as: $(PYTHON)." >&2; \
	  echo "  Debian, Ubuntu: apt install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3.12" >&2; exit 1; }; \
	"$$python" -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "crible: $$python has no venv module. Debian, Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	echo "crible: setting up $(VENV) with $$python (once; about a minute)" >&2; \
	"$$python" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@echo "$(CURDIR)" > $(STAMP)
