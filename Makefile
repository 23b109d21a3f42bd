# Two commands on a fresh machine: `make demo` and `make test`. Each makes its own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
DATA ?=
BIN := $(VENV)/bin

.PHONY: demo test test-slow lint docs format clean

demo: $(VENV)/.installed
	$(BIN)/lunet demo $(if $(DATA),--data "$(DATA)")

test: lint docs
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(VENV)/.installed
	$(BIN)/python -m pytest -m slow

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Warnings are errors; what the theme says of its future is none of this project's.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist *.egg-info demo-output site

$(VENV)/.installed: setup.py pyproject.toml nnunet_lunet_startup.pth
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --progress-bar off --editable ".[docs,test]"
	touch $@
