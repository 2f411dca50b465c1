# make demo       run the whole pipeline on a lab of this machine; prints where the report is
# make setup      install the system packages and the virtual environment
# make test       install what the tests need and run them
# make test-slow  run the tests that take minutes each
# make fresh      the README's first commands on a minimal Debian 12 of its own, as a stranger has it
# make bench      run the benchmarks; each prints ratios of two things measured side by side
# make pictures   take the README's pictures again, all from one demo
# make check      lint, format, types
# make lock       write requirements.lock from pyproject.toml
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo setup test test-slow fresh bench pictures check lint lock
demo: setup
	$(SUDO) $(BIN)/ebpf-overhead demo

setup: .venv/installed
	@$(SUDO) sh deployments/system-packages.sh

.venv/installed: requirements.lock pyproject.toml
	@[ "$$(uname -s)" = Linux ] || echo "not Linux: the lab cannot run here; ingest, analyze and compare do"
	@command -v $(PYTHON) >/dev/null || \
	  { echo "$(PYTHON) is missing: install it (Debian package python3), or set PYTHON"; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: set PYTHON to a newer one"; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(SUDO) sh deployments/system-packages.sh
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: setup
	@$(SUDO) sh deployments/system-packages.sh with-browser with-vm with-ovs
	$(SUDO) $(BIN)/python -m pytest -m "not slow" $(ARGS)

test-slow: setup
	@$(SUDO) sh deployments/system-packages.sh with-browser with-vm with-ovs with-fresh
	$(SUDO) $(BIN)/python -m pytest -m slow $(ARGS)

fresh: setup
	@$(SUDO) sh deployments/system-packages.sh with-fresh
	$(SUDO) $(BIN)/python -m pytest -x -s tests/fresh -k bookworm

bench: setup
	@$(SUDO) sh deployments/system-packages.sh with-postgresql
	@for file in tests/benchmarks/bench_*.py; do \
	  echo "== $$file"; $(SUDO) $(BIN)/python -m "$$(echo $${file%.py} | tr / .)" || exit 1; done

pictures: setup
	@$(SUDO) sh deployments/system-packages.sh with-browser with-vm
	$(SUDO) $(BIN)/python -m deployments.pictures.take

check lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lock:
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --no-annotate --group dev --all-extras --custom-compile-command 'make lock' \
	  -o requirements.lock pyproject.toml
