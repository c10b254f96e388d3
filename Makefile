# Needs python3 (3.11 to 3.13), pip and make; everything else is made in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# A file of tests goes to one process as a whole; nobody listens on another's ports.
PYTEST := -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

.PHONY: help demo run test soak test-wheel bench lint lint-railway format docs lock dist version clean

help: ## what can be made here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/'

$(STAMP): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "hookgram needs Python 3.11 to 3.13; name one: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: $(STAMP) ## see it work: no token, no network, half a minute
	$(BIN)/hookgram demo

run: $(STAMP) ## run the gateway with the settings of .env
	$(BIN)/hookgram serve

test: $(STAMP) ## run every test, on all cores; one by one: .venv/bin/python -m pytest
	$(BIN)/python $(PYTEST)

soak: $(STAMP) ## kill, freeze and cut replicas, crash and fail over PostgreSQL; SOAK_ROUNDS=20
	SOAK_ROUNDS=$${SOAK_ROUNDS:-10} $(BIN)/python -m pytest --capture=no tests/store/test_histories.py tests/e2e/test_replicas.py

test-wheel: dist ## run every test against the built wheel, not the source
	$(PYTHON) -m venv --clear $(VENV)-wheel
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(VENV)-wheel/bin/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps dist/*.whl
	$(VENV)-wheel/bin/python -c 'import hookgram, sys; sys.exit("site-packages" not in hookgram.__file__)'
	$(VENV)-wheel/bin/python $(PYTEST)

bench: $(STAMP) ## measure what we claim about speed; BENCH="--quick ingest" chooses
	$(BIN)/python -m benchmarks $(BENCH)

lint: $(STAMP) ## check style, types, the rooms' borders and the files for the platforms
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-config .github/ISSUE_TEMPLATE/config.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-issue-forms $(filter-out %/config.yml,$(wildcard .github/ISSUE_TEMPLATE/*.yml))
	$(BIN)/zizmor --offline --no-progress --quiet --persona pedantic .github

lint-railway: ## check .railway/railway.ts against Railway's own types; needs npm
	rm -rf build/railway && mkdir -p build/railway && cp .railway/railway.ts build/railway/
	npm install --prefix build/railway --no-save --ignore-scripts --silent railway@3.11.0 typescript@5.9.3
	build/railway/node_modules/.bin/tsc --noEmit --strict --skipLibCheck --module nodenext --target es2023 build/railway/railway.ts

format: $(STAMP) ## lay out the code
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

docs: $(STAMP) ## print the reference pages anew and build the site into site/
	$(BIN)/python -m hookgram.cli.reference docs
	$(BIN)/zensical build --strict --clean

lock: $(STAMP) ## pin every requirement again, with hashes
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra postgres --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade --output-file requirements.txt
	$(BIN)/uv pip compile pyproject.toml --extra postgres --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade --output-file requirements-dev.txt
	$(BIN)/uv pip compile --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade --output-file requirements-build.txt

dist: ## build the wheel and the source archive with the pinned tools
	rm -rf dist
	$(PYTHON) -m venv --clear $(VENV)-build
	$(VENV)-build/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-build.txt
	$(VENV)-build/bin/python -m hatchling build

version: ## print the version
	@sed -n 's/^__version__ = "\(.*\)"/\1/p' src/hookgram/__init__.py

clean: ## remove what was made
	rm -rf $(VENV) $(VENV)-build $(VENV)-wheel dist build site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis
