# `make demo` and `make test` do all the set-up themselves: see `make help`.

# The first Python that is new enough; another one: make PYTHON=/path/to/python test
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# A virtual environment of its own, because the system's Python may be managed by the system.
TOX := .venv/bin/tox
READY := .venv/.tox-is-installed

.DEFAULT_GOAL := help
.PHONY: demo test lint unit docs kind faults fuzz conformance bench flaky soak soak-operators compiled locked lock audit sbom clean lowest matrix wheels installed workflow help

help: ## show this
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1\t/'

demo: $(READY) ## run the main job on a real API server
	@echo "make demo: about 1 minute; the first time about 10 more to build the control plane" >&2
	$(TOX) run -e demo

test: $(READY) ## run all checks and tests
	@echo "make test: about half an hour; the first time about 12 more to build the control plane" >&2
	$(TOX) run -e lint,unit,docs,kind

lint: $(READY) ## check formatting, style, types and layers
	$(TOX) run -e lint

unit: $(READY) ## run the tests that need no server
	$(TOX) run -e unit

docs: $(READY) ## build the site in docs/_build/html; its examples run on a real API server
	$(TOX) run -e docs

kind: $(READY) ## run the tests on a real API server
	$(TOX) run -e kind

faults: $(READY) ## let everything fail that can, on a scripted server and on a real one
	@echo "make faults: about 50 minutes; GENRECONCILE_SEED=7 for another order of events" >&2
	$(TOX) run -e faults

fuzz: $(READY) ## search for input that breaks it
	@echo "make fuzz: about half an hour; GENRECONCILE_FUZZ=1000 for fewer examples of each target" >&2
	$(TOX) run -e fuzz

conformance: $(READY) ## try every field of every kind on a real API server, and hold values against Go
	@echo "make conformance: about an hour; K8S_VERSION=1.36.3 for another Kubernetes" >&2
	$(TOX) run -e conformance

bench: $(READY) ## measure against others, side by side
	@echo "make bench: about an hour; BENCH='--size 1000 --no-go-peers' for less" >&2
	$(TOX) run -e bench -- $(BENCH)

locked: $(READY) ## lint and unit tests, with exactly the packages of locks/ci.txt
	$(TOX) run -e lint-locked,unit-locked

wheels: $(READY) ## build sdist, pure wheel and this platform's compiled wheel into dist/, and check what they hold
	$(TOX) run -e wheels

installed: $(READY) ## run the tests that need no server on each wheel in dist/, as it is installed
	for wheel in dist/*.whl; do $(TOX) run --recreate --installpkg $$wheel \
		-e installed$$(echo $$wheel | sed -n 's/.*-cp\(3[0-9]*\)-cp.*/-py\1/p') || exit 1; done

workflow: $(READY) ## lint the definition of releases, and print what it would build; needs Go
	$(TOX) run -e workflow

lowest: $(READY) ## run tests with the oldest packages that are allowed, on Python 3.11, for which they have wheels
	$(TOX) run -e unit-py311-lowest,kind-py311-lowest

matrix: $(READY) ## run the tests that need no server on each Python that is here, with the newest packages
	$(TOX) run --skip-missing-interpreters true -e unit-py311-newest,unit-py312-newest,unit-py313-newest,unit-py314-newest

lock: $(READY) ## resolve all packages anew and write locks/, with hashes
	$(TOX) run -e lock

audit: $(READY) ## ask for known vulnerabilities of the locked packages; says so where nobody answers
	$(TOX) run -e audit

sbom: $(READY) ## write a bill of materials to dist/genreconcile.cdx.json
	$(TOX) run -e sbom

compiled: $(READY) ## run the tests that need no server on compiled modules
	$(TOX) run -e compiled

flaky: $(READY) ## run the tests that depend on time again and again, beside other load
	@echo "make flaky: hours; FLAKY='--count 3 tests/unit' for less" >&2
	$(TOX) run -e flaky -- $(FLAKY)

soak: $(READY) ## minutes of edits by others and faults on a real API server
	@echo "make soak: about 12 minutes; SOAK='--minutes 60 --seed 7' for another" >&2
	$(TOX) run -e soak -- $(SOAK)

soak-operators: $(READY) ## the same of a controller in two processes, which are killed
	@echo "make soak-operators: about 12 minutes; SOAK='--minutes 30 --seed 7' for another" >&2
	$(TOX) run -e soak-operators -- $(SOAK)

clean: ## remove what the other commands made here
	rm -rf build docs/_build genreconcile__mypyc.* && find genreconcile -name '*.so' -delete
	rm -rf .venv .tox .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov

$(READY):
	@test -n "$(PYTHON)" || { echo "make: no Python >= 3.11 found as python3 or python3.x: install one, or run" \
		"make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is not Python >= 3.11:" \
		"run make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) has no venv: install it" \
		"(Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "make: putting tox into .venv, about 20 seconds" >&2
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check 'tox>=4.22'
	@touch $@
