# Every target works in a fresh clone: .venv is created and filled by itself.
PYTHON ?= python3
BIN := .venv/bin
# for make fuzz, per parser
SECONDS ?= 600

.PHONY: help demo test test-fast test-gpu test-long faults fuzz check check-style check-types check-types-of-tests format bench stills install clean
.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: .venv/installed ## create .venv with the versions of constraints.txt

demo: .venv/installed ## validate FP16 on two tiny synthetic models, then list the runs
	$(BIN)/vp-tui demo --no-tui
	$(BIN)/vp-tui runs

# three workers for two cores: a third of the time a test waits for a screen or a run
test: .venv/installed-dev ## run the test suite, except benchmarks and tests marked long
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m "not bench and not long"

test-long: .venv/installed-dev ## run the tests marked long: README.md, whole commands on several devices, faults on trained weights
	$(BIN)/python -m pytest -m long tests

test-fast: .venv/installed-dev ## run the tests that need no child process, no screen and no torch
	$(BIN)/python -m pytest -n 2 --fast

# six processes share one GPU; what measures the GPU itself follows alone
test-gpu: .venv/installed-dev ## run the tests of a CUDA device: six at a time, then those that need the GPU alone
	$(BIN)/python -m pytest -m "gpu and not alone" -n 6 tests
	$(BIN)/python -m pytest -m "gpu and alone" tests

faults: .venv/installed-dev ## cause every fault of docs/reliability.md; print how often a promise was tried and lost
	$(BIN)/python tests/faults.py

fuzz: .venv/installed-dev ## try damaged files on every parser, SECONDS each (default 600)
	$(BIN)/python tests/fuzz.py --seconds $(SECONDS)

# the types of product and tests are apart, so that make -j 2 checks them side by side
check: check-style check-types check-types-of-tests ## check format, lints, import contracts, types, unused code and advisories

check-style: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/python tests/audit.py

check-types: .venv/installed-dev
	$(BIN)/mypy

check-types-of-tests: .venv/installed-dev
	$(BIN)/mypy --cache-dir .mypy_cache/tests --config-file tests/mypy.ini

format: .venv/installed-dev ## format the code and apply the safe fixes of the lints
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/installed-dev ## print speed ratios against other implementations
	$(BIN)/python -m pytest -m bench -s tests/bench

stills: .venv/installed ## record the pictures of README.md again, from real runs of the demo
	$(BIN)/python docs/stills.py

clean: ## remove .venv
	rm -rf .venv

# torch first and by its pin: a range would let pip pick another build for another accelerator.
.venv/installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group dev
	touch $@
