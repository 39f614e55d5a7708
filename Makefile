# make demo    a first run with the built-in model, no key and no GPU
# make test    the test suite
# make lint    ruff and mypy
# make lmdeploy        an environment with LMDeploy's server for a CPU, in $(LMDEPLOY_VENV), about 1.7 GB
# make test-lmdeploy   the tests against that server
# make validate-crates exported runs against the RO-Crate profiles' own validator, in $(CRATES_VENV), about 80 MB
# make test-network    the tests of the network in PyTorch, in $(NETWORK_VENV), about 1.5 GB; `make test` has no PyTorch and skips them
#
# Each makes its environment first, in $(VENV), and skips that while pyproject.toml and constraints.txt are unchanged.
# PYTHON=/path/to/python3.12 picks the interpreter; otherwise the first that works of 3.13, 3.12 and 3.11.

# Where PyPI's torch is built for CUDA: make lmdeploy TORCH_INDEX=https://download.pytorch.org/whl/cpu

VENV ?= .venv
LMDEPLOY_VENV ?= .venv-lmdeploy
CRATES_VENV ?= .venv-crates
NETWORK_VENV ?= .venv-network
PYTHON ?=
TORCH_INDEX ?=

BIN = $(VENV)/bin
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
INSTALL = $(PIP) -c constraints.txt
NEEDS := pyproject.toml constraints.txt

.PHONY: demo test lint lmdeploy test-lmdeploy validate-crates test-network

demo: $(VENV)/.ready
	$(BIN)/benchmate model pull
	$(BIN)/benchmate run workflows/lead_triage.yaml

test: $(VENV)/.ready-dev
	$(BIN)/benchmate model pull --quiet
	$(BIN)/pytest -q

lint: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

lmdeploy: $(LMDEPLOY_VENV)/.ready

test-lmdeploy: $(VENV)/.ready-dev $(LMDEPLOY_VENV)/.ready
	LMDEPLOY_PYTHON=$(abspath $(LMDEPLOY_VENV)/bin/python) $(BIN)/pytest -q tests/real_lmdeploy tests/unit/model/serving

$(LMDEPLOY_VENV)/.ready: override VENV := $(LMDEPLOY_VENV)
$(LMDEPLOY_VENV)/.ready: lmdeploy-requirements.txt
	@$(make_venv)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(PIP) --no-deps -r lmdeploy-requirements.txt
	$(PIP) --no-deps -e .
	@touch $@

validate-crates: $(VENV)/.ready-dev $(CRATES_VENV)/.ready
	CRATE_VALIDATOR_PYTHON=$(abspath $(CRATES_VENV)/bin/python) $(BIN)/pytest -q tests/validated_crates

$(CRATES_VENV)/.ready: override VENV := $(CRATES_VENV)
$(CRATES_VENV)/.ready: crate-validator-requirements.txt
	@$(make_venv)
	$(PIP) --no-deps -r crate-validator-requirements.txt
	@touch $@

test-network: $(NETWORK_VENV)/.ready
	$(NETWORK_VENV)/bin/pytest -q tests/unit/model/architecture tests/unit/model/tokenizer

$(NETWORK_VENV)/.ready: override VENV := $(NETWORK_VENV)
$(NETWORK_VENV)/.ready: $(NEEDS)
	@$(make_venv)
	$(PIP) $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) torch==2.13.0
	$(INSTALL) -e '.[network,tokenizer]' hypothesis pytest pytest-asyncio
	@touch $@

$(VENV)/.ready: $(NEEDS)
	@$(make_venv)
	$(INSTALL) -e .
	@touch $@

$(VENV)/.ready-dev: $(NEEDS)
	@$(make_venv)
	$(INSTALL) -e '.[dev]'
	@touch $(VENV)/.ready $@

# A Python whose venv module cannot install pip (Debian without python3-venv) lends the environment its own.
define make_venv
test -x $(BIN)/python && exit 0; \
for python in $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python); do \
	"$$python" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || continue; \
	echo "making $(VENV) with $$("$$python" --version) ($$python)"; \
	"$$python" -m venv $(VENV) >/dev/null 2>&1 && exit 0; \
	"$$python" -m venv --clear --without-pip $(VENV) && \
	"$$python" -m pip --python $(BIN)/python install --quiet pip && exit 0; \
	rm -rf $(VENV); \
done; \
echo "no Python 3.11, 3.12 or 3.13 with pip found$(if $(PYTHON), at $(PYTHON)); name one: make PYTHON=/path/to/python3.12" >&2; exit 1
endef
