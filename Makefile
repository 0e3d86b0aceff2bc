# Everything runs in .venv, made from the locked dependencies; nothing else of the machine is used.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.run-installed
DEV    := $(VENV)/.dev-installed
NIGHTLY_TOOLS := $(patsubst %,.tools/%/.installed,ansible helm kubernetes prowler sam)
NPM_TOOLS := $(patsubst tests/tools/%/package.json,.tools/%/.installed,$(wildcard tests/tools/*/package.json))

.PHONY: up test tools nightly lint docs pictures bench lock release clean

up: $(RUN)
	$(BIN)/locum up $(UP)

test: $(DEV)
	$(BIN)/pytest -q -n auto --dist loadgroup -m "not nightly" tests $(TEST)

# The extras that `make up` installs.
RUNNING := --extra moto --extra cloudformation

# Other people's clients, each in an environment of its own. Tests of those that are not there are skipped; those of
# Ansible, Prowler and SAM, and of the AWS CDK and osls where npm is, are nightly ones.
tools: $(filter-out $(NIGHTLY_TOOLS),$(patsubst tests/tools/%.lock,.tools/%/.installed,$(wildcard tests/tools/*.lock)))

# The engine is compared with the reference on so many generated questions (make test: 400).
nightly: export LOCUM_POLICY_EXAMPLES ?= 100000
nightly: $(DEV) tools $(NIGHTLY_TOOLS) $(if $(shell command -v npm),$(NPM_TOOLS))
	$(BIN)/pytest -q -n auto --dist loadgroup tests $(TEST)

lint: $(DEV)
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy src tests bench
	$(BIN)/lint-imports
	$(BIN)/python tools/catalogue_coverage.py
	$(BIN)/python tools/docs_reference.py --check

# The documentation as a site, in build/site: every link and anchor leads somewhere, and nothing is loaded from elsewhere.
docs: .tools/docs/.installed
	NO_MKDOCS_2_WARNING=1 .tools/docs/bin/mkdocs build --strict -q
	.tools/docs/bin/python tools/check_site.py build/site

# The screenshots of the documentation, which a test takes.
pictures: $(DEV)
	LOCUM_SCREENSHOTS=docs/pictures $(BIN)/pytest -q tests/functional/test_console_story.py

bench: $(DEV)
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

lock:
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate $(RUNNING) pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate $(RUNNING) --extra otel --extra postgres --group dev pyproject.toml -o requirements-dev.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --no-annotate --group docs -o requirements-docs.lock
	for tool in tests/tools/*.in; do \
	  uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate $$(sed -n 's/^# uv: //p' $$tool) $$tool -o $${tool%.in}.lock || exit 1; done

# Wheel, sdist, Debian package, container context, manifests, chart and checksums, in dist/.
release: $(DEV)
	PYTHON=$(abspath $(BIN)/python) packaging/release

clean:
	rm -rf dist $(VENV) .tools .bench .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Locum needs Python 3.11 or newer; make PYTHON=/path/to/python3.11 names another one" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUN): requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install -q --no-deps -e .
	@touch $@ $(RUN)

.tools/docs/.installed: requirements-docs.lock | $(VENV)/bin/python
	$(BIN)/python -m venv .tools/docs
	.tools/docs/bin/python -m pip install -q --no-deps --require-hashes -r $<
	@touch $@

$(NPM_TOOLS): .tools/%/.installed: tests/tools/%/package-lock.json
	@mkdir -p $(@D)
	cp $(<D)/package.json $< $(@D)
	npm --prefix $(@D) ci --silent --no-audit --no-fund
	@touch $@

.tools/%/.installed: tests/tools/%.lock | $(VENV)/bin/python
	$(BIN)/python -m venv .tools/$*
	.tools/$*/bin/python -m pip install -q --no-deps --require-hashes -r $<
	@touch $@
