# Every target works in a fresh clone: .venv is created and filled by itself.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench stills install clean

demo: .venv/installed
	$(BIN)/vp-tui demo --no-tui
	$(BIN)/vp-tui runs

# three workers for two cores: a third of the time a test waits for a screen or a run
test: .venv/installed-dev
	$(BIN)/python -m pytest -n 3 --dist loadgroup -m "not bench"

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini

bench: .venv/installed-dev
	$(BIN)/python -m pytest -m bench -s tests/bench

# the pictures of README.md, from runs of the demo made for them
stills: .venv/installed
	$(BIN)/python docs/stills.py

install: .venv/installed

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

clean:
	rm -rf .venv
