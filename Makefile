# Recipes of kado. `make demo` and `make test` need only make, Python >= 3.11 and a package index.

VENV := .venv
BIN := $(VENV)/bin
# Made again whenever what is to be installed changes.
PINNED := $(shell cat pyproject.toml requirements/*.txt | cksum | cut -d ' ' -f 1)
RUN := $(VENV)/.run-$(PINNED)
DEV := $(VENV)/.dev-$(PINNED)
UV = $(BIN)/uv --quiet --system-certs
# uv is ten times faster; pip knows the index and certificates that this machine is set up for.
PIP = $(BIN)/python -m pip --disable-pip-version-check install --quiet
INSTALL = install() { $(UV) pip install --python $(BIN)/python "$$@" || $(PIP) "$$@"; }; install
# Tests that run side by side: most of them wait for servers and clocks, so more than there are cores.
AT_ONCE := 4
# The first Python that is new enough; choose another with `make PYTHON=python3.13 ...`.
PYTHONS := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11)

.DELETE_ON_ERROR:
.PHONY: help demo check test soak chaos mutants lint texts gallery storm previews reports services services-bench bench pins clean

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile | expand -t 24

demo: $(RUN) ## Watch a simulated ring, from signal to availability (KADO_DEMO_SECONDS=10 ends by itself)
	@$(BIN)/kado demo --data-dir .demo

test: $(DEV) ## Run the tests; with the real servers that are installed, naming those that are not
	@$(BIN)/pytest -q -rfEs -n $(AT_ONCE) --dist worksteal

soak: $(DEV) ## Run what takes long: 50,000 cases against the reference (KADO_FIRST_CASE=N for others), whole years
	@KADO_CASES=$${KADO_CASES:-50000} $(BIN)/pytest -q --timeout 0 tests/analytics/test_against_reference.py
	@$(BIN)/pytest -q -rfEs -m soak

chaos: $(DEV) ## Kill, fill the disk, misbehave as a server and flip bits for ten minutes; print what was lost, doubled, silent
	@PYTHONPATH=.:tests/support $(BIN)/python -m chaos --kills 100 --flips 150

# One part of it: make mutants MUTANTS='analytics.alarms.machine.*'
mutants: $(DEV) ## Change accounting and alarm engine line by line (two hours) and print the changes that no test notices
	@KADO_CASES=$${KADO_CASES:-60} $(BIN)/mutmut run $(if $(MUTANTS),'$(MUTANTS)') > mutants.log 2>&1 || { tail -n 30 mutants.log; exit 1; }
	@$(BIN)/mutmut results
	@echo "Each is explained in tests/analytics/MUTANTS.md, or wants a test; see one with: mutmut show NAME"

# Types of what differs from this commit (all of them: make lint), and tests without servers, random cases and benches.
BASE := HEAD
CHANGED = $(shell git diff --name-only --diff-filter=d $(BASE) -- '*.py'; git ls-files --others --exclude-standard -- '*.py')
QUICK := tests/facility tests/analytics tests/house tests/docs --ignore-glob='*_properties.py' \
	--ignore=tests/analytics/alarms --ignore=tests/analytics/test_against_reference.py \
	--ignore=tests/analytics/test_findings.py --ignore=tests/analytics/test_reliability.py \
	--ignore=tests/analytics/test_gaps.py --ignore=tests/docs/test_gallery.py --ignore=tests/docs/test_tutorial.py \
	--ignore=tests/house/test_guards.py -k 'not too_large and not endless_rule'
check: $(DEV) ## Check style, imports, types of changed files (BASE=main: since main), and tests that need little time
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(if $(CHANGED),$(BIN)/pyright $(CHANGED))
	KADO_CASES=50 $(BIN)/pytest -q -n $(AT_ONCE) $(QUICK)

lint: $(DEV) ## Check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/shellcheck .ci/run deploy/services/*.sh

texts: $(DEV) ## Collect the texts of the code into kado/language/ja/*.po and print those without a translation
	@$(BIN)/python tests/support/texts.py

gallery: $(DEV) ## Draw the pictures of docs/gallery again
	$(BIN)/python docs/gallery/write_gallery.py

storm: $(DEV) ## Replay simulated storms and write docs/explanation/alarm-storm.md again (two minutes)
	$(BIN)/python docs/explanation/write_alarm_storm.py

previews: $(DEV) ## Draw the previews of the Grafana dashboards in docs/dashboards again (a quarter of an hour)
	$(BIN)/python docs/dashboards/write_previews.py

reports: $(DEV) ## Make the sample reports in docs/reports again (some minutes)
	$(BIN)/python docs/reports/write_samples.py

services: ## Get the servers that the tests use: Mosquitto, Prometheus, InfluxDB, versitygw for S3 (Debian)
	@bash deploy/services/install.sh

services-bench: ## ... and Telegraf, which the benchmarks measure against
	@bash deploy/services/install.sh --bench

bench: $(DEV) services-bench ## Measure, side by side with the peers
	@set -e; for script in benchmarks/bench_*.py; do echo "== $$script"; $(BIN)/python $$script; done

# Resolve again; `make pins UPGRADE=--upgrade` takes what is newest.
COMPILE = $(UV) pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE)
pins: $(DEV) ## Write requirements/*.txt from the ranges in pyproject.toml
	$(COMPILE) --output-file requirements/run.txt pyproject.toml $(foreach extra,dashboards influxdb page report,--extra $(extra))
	$(COMPILE) --output-file requirements/dev.txt --constraint requirements/run.txt pyproject.toml --all-extras --group dev
	$(COMPILE) --output-file requirements/setup.txt --constraint requirements/dev.txt --group setup

clean: ## Remove what make made here (not the servers, which other checkouts share)
	rm -rf $(VENV) .demo mutants mutants.log build dist .benchmarks .hypothesis .import_linter_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): | $(BIN)/python
	@echo "setting up $(VENV) to run kado"
	@$(PIP) --require-hashes -r requirements/setup.txt
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.run-* && touch $@

$(DEV): $(RUN)
	@echo "adding the development tools to $(VENV)"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@rm -f $(VENV)/.dev-* && touch $@

$(BIN)/python:
	@for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$$python cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2; \
			exit 1; \
		fi; \
		"$$python" -m venv --clear $(VENV); \
		exit; \
	done; \
	echo "kado needs Python >= 3.11; none among: $(PYTHONS)." >&2; \
	echo "On Debian 12 or newer: apt-get install python3 python3-venv. Or name one: make PYTHON=/path/to/python3" >&2; \
	exit 1
