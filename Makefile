# The two commands of a fresh machine: `make project DEST=...` and `make test`. Both make their own .venv.
PYTHON ?= python3
DEST ?=
ANSWERS ?=
DEFAULTS ?=
QUICK ?=

.PHONY: help project test check bench site clean

help:
	@echo "make project DEST=../my-ai-platform             interview, then write a project"
	@echo "make project DEST=... DEFAULTS=1                take every default"
	@echo "make project DEST=... ANSWERS=variants/x.yml    take the answers of a file"
	@echo "make test                                       install everything and pass the tests"
	@echo "make bench                                      measure, and write docs/performance.md"
	@echo "make site                                       build the documentation and its gallery in build/site"

.venv/run: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/test: .venv/run package-lock.json
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[test,site]"
	npm ci --silent --no-audit --no-fund
	@touch $@

# The C# of gateway policies is compiled with Mono, which is neither on PyPI nor on npm.
.tools/mono: Makefile
	@mkdir -p .tools
	@if ! command -v mcs >/dev/null || [ ! -f /usr/lib/cli/Newtonsoft.Json-5.0/Newtonsoft.Json.dll ]; then \
	  if ! command -v apt-get >/dev/null; then \
	    echo "Install Mono (mcs) and Newtonsoft.Json 5 for it: apt-get is missing here, so this cannot do it for you." >&2; exit 1; \
	  fi; \
	  run=$$([ "$$(id -u)" -eq 0 ] || echo sudo); \
	  $$run apt-get update -qq && \
	  $$run apt-get install -y -qq mono-mcs mono-runtime libnewtonsoft-json5.0-cil >/dev/null; \
	fi
	@touch $@

# checkov needs older packages than pytest, so it lives apart.
.tools/ready: Makefile
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check "checkov>=3.3,<4"
	@touch $@

project: .venv/run
	@if [ -z "$(DEST)" ]; then echo "Say where the project goes: make project DEST=../my-ai-platform" >&2; exit 2; fi
	.venv/bin/groundplan new "$(DEST)" $(if $(ANSWERS),--answers "$(ANSWERS)") $(if $(DEFAULTS),--defaults)

test: .venv/test .tools/ready .tools/mono check
	.venv/bin/python -m pytest --numprocesses auto --dist loadgroup --durations 30

check: .venv/test
	.venv/bin/black --check --quiet generator tests
	.venv/bin/ruff check generator tests
	.venv/bin/mypy
	.venv/bin/groundplan lint

# Writes docs/performance.md; takes five to eight minutes on two cores that nobody else uses.
bench: .venv/test .tools/ready .tools/mono
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[bench]"
	.venv/bin/python -m generator.benchmark $(if $(QUICK),--quick)

site: .venv/test
	.venv/bin/groundplan site --out build/site

clean:
	rm -rf .venv .tools node_modules build
