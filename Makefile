# Every target sets up what it needs, once. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
BENTO_HOME ?= $(CURDIR)/data/bentoml
BENTOS = $(BENTO_HOME)/bentos/rollcall
BENTOML := BENTOML_DO_NOT_TRACK=True BENTOML_HOME=$(BENTO_HOME) $(BIN)/bentoml
SERVE := $(BENTOML) serve service:FaceAPI
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.PHONY: help serve dev bento image test screenshots load bench bench-database bench-switching bench-import bench-endurance bench-overhead lint format lock clean

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

# --no-deps: the files name every package, and leave out opencv-python, which some of them ask for.
.venv/serve: requirements.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/serve
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

serve: .venv/serve ## Serve the API on port 8000
	@mkdir -p $(BENTO_HOME)
	$(SERVE)

dev: .venv/serve ## The same, starting anew at each change of the code
	@mkdir -p $(BENTO_HOME)
	$(SERVE) --reload

bento: .venv/serve ## Pack the server as a Bento, and print its tag
	@mkdir -p $(BENTO_HOME)
	@set -o pipefail; $(BENTOML) build --output tag | sed -n 's/^__tag__://p'

image: bento ## Build the container image of it, with Docker
	version=$$(cat $(BENTOS)/latest) && docker build --tag rollcall --tag rollcall:$$version \
		--file $(BENTOS)/$$version/env/docker/Dockerfile $(BENTOS)/$$version

# In memory where there is room, for tests make hundreds of databases, and in three groups side by side, for most
# of them wait. By xargs: the shell's own jobs in the background would not hear of Ctrl-C. A container's tree has
# devices and programs, which some systems forbid there.
test: export TMPDIR ?= $(shell test "$$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 8000000 2>/dev/null \
	&& ! findmnt --noheadings --output OPTIONS --target /dev/shm | grep -Eq 'nodev|noexec' && echo /dev/shm || echo /tmp)
test: .venv/dev ## Run all tests
	@printf '%s\n' 'tests/e2e --share 1/2' 'tests/e2e --share 2/2' 'tests --ignore tests/e2e' \
		| xargs -P 3 -L 1 $(BIN)/pytest

screenshots: .venv/dev ## Draw the README's pictures of the console anew, into docs/screenshots
	$(BIN)/python -m tests.browser.screenshots docs/screenshots

load: .venv/dev ## Load a fresh server as a school does, into data/load/report.html; ARGS="--run-time 10m"
	$(BIN)/python -m bench.load_day $(ARGS)

bench: .venv/dev ## Measure speed and memory, into bench/RESULTS.md; ARGS="--quick" tries it out
	$(BIN)/python -m bench $(ARGS)

bench-database: .venv/dev ## Measure what the database costs, into bench/DATABASE.md
	$(BIN)/python -m bench.database $(ARGS)

bench-switching: .venv/dev ## Measure what a change of models costs, into bench/SWITCHING.md
	$(BIN)/python -m bench.switching $(ARGS)

bench-import: .venv/dev ## Measure what a bulk import costs, into bench/IMPORT.md
	$(BIN)/python -m bench.importing $(ARGS)

bench-endurance: .venv/dev ## Measure 10 minutes under load, into bench/ENDURANCE.md
	$(BIN)/python -m bench.endurance $(ARGS)

bench-overhead: .venv/dev ## Measure what metrics, logs and limits cost, into bench/OVERHEAD.md
	$(BIN)/python -m bench.overhead $(ARGS)

lint: .venv/dev ## Check format, style and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/dev ## Put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: .venv/dev ## Compile the pinned requirements anew from pyproject.toml
	$(COMPILE) --output-file requirements.txt pyproject.toml
	$(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	echo setuptools | $(COMPILE) --constraint requirements-dev.txt --output-file requirements-build.txt -

clean: ## Remove what the targets made, but no data
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
