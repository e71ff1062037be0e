# What a person types. Every target is one line of words; the work is in bin/ and in `kedge` itself.
KEDGE := .venv/bin/kedge
PYTEST := .venv/bin/python -m pytest
# Most tests wait for real servers more than they compute, so a few files run side by side.
WORKERS := 3

.PHONY: help setup engine stack demo down check test bench

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## system packages that are missing, and the Python packages of the lock file
	@bin/setup

engine: setup ## a Docker engine that answers, started in the background where there is no init system
	@bin/engine

stack: engine ## the images builds and dynos run in, made where they are missing
	@$(KEDGE) stack:build

demo: stack ## a running Kedge with an app deployed by git push
	@bin/demo

down: ## stop Kedge; dynos stay, and are adopted by the next start
	@$(KEDGE) down

check: setup ## format, lint, types, layers and the unit tests: under a minute
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PYTEST) tests/unit -q

test: stack ## the whole suite, with real servers, a real engine and a real browser
	@bin/setup tests
	@$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

bench: stack ## the benchmarks, with their figures
	@bin/bench
