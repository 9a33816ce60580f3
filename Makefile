# The two commands of a fresh machine: `make project DEST=...` and `make test`. Both make their own .venv.
PYTHON ?= python3
DEST ?=
ANSWERS ?=
DEFAULTS ?=

.PHONY: help project test check bench clean

help:
	@echo "make project DEST=../my-ai-platform             interview, then write a project"
	@echo "make project DEST=... DEFAULTS=1                take every default"
	@echo "make project DEST=... ANSWERS=variants/x.yml    take the answers of a file"
	@echo "make test                                       install everything and pass the tests"
	@echo "make bench                                      measure what the README claims"

.venv/run: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/test: .venv/run package-lock.json
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[test]"
	npm ci --silent --no-audit --no-fund
	@touch $@

# checkov needs older packages than pytest, so it lives apart.
.tools/ready: Makefile
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "checkov>=3.3,<4"
	@touch $@

project: .venv/run
	@if [ -z "$(DEST)" ]; then echo "Say where the project goes: make project DEST=../my-ai-platform" >&2; exit 2; fi
	.venv/bin/groundplan new "$(DEST)" $(if $(ANSWERS),--answers "$(ANSWERS)") $(if $(DEFAULTS),--defaults)

test: .venv/test .tools/ready check
	.venv/bin/python -m pytest --numprocesses auto --dist loadgroup

check: .venv/test
	.venv/bin/black --check --quiet generator tests
	.venv/bin/ruff check generator tests
	.venv/bin/mypy
	.venv/bin/groundplan lint

bench: .venv/test .tools/ready
	.venv/bin/python -m generator.benchmark

clean:
	rm -rf .venv .tools node_modules build
