# `make run` and `make test` do everything on a fresh machine with Python 3.11-3.13, git and make.

PYTHON ?= python3
BIN := .venv/bin
# Stages are started as `python ...`: the environment's has to be found first.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A DVC_ROOT inherited from elsewhere would send the runs to another project's database.
unexport DVC_ROOT

.PHONY: help setup run serve test test-all torture mutants bench pretrained grid pictures results results-mnist results-cifar10 lint lock clean

MODEL ?= inpaint-mnist
PORT ?= 5001

help:
	@echo "make setup     make .venv with the locked packages"
	@echo "make run       set up .venv and run the pipeline on real digits"
	@echo "make serve     answer requests by the champion: docs/serving.md; MODEL=inpaint-mnist PORT=5001"
	@echo "make test      set up .venv and run the tests"
	@echo "make test-all  also the slow tests; a skipped test is a failure"
	@echo "make torture   kill the pipeline, break its files, garble its input, by the hundred"
	@echo "make mutants   change the code in thousands of places; some test has to notice: an hour"
	@echo "make bench     how fast it is, against rivals: about 25 minutes"
	@echo "make grid      short trainings on every data set and kind of hole: an hour and a half"
	@echo "make pretrained  train the models that come with the package again: half an hour each"
	@echo "make pictures  whole photographs restored by these models, beside rivals: two minutes"
	@echo "make results   every row of the README's tables, as experiments: some five hours"
	@echo "make results-mnist, make results-cifar10"
	@echo "               the headline row alone, in the workspace: about ten minutes"
	@echo "make lint      formatting, rules, types, layers"
	@echo "make lock      choose the versions in requirements.lock anew"
	@echo "make clean     remove what the above made"

setup: $(BIN)/ready
	@# DVC wants Git unless told otherwise; an unpacked archive has none.
	@if git rev-parse --git-dir >/dev/null 2>&1; \
	  then dvc config --quiet --local --unset core.no_scm || true; \
	  else dvc config --local core.no_scm true; fi

# A DVC that was killed, or had no room, while it wrote a lock leaves an empty one or half of one,
# which it never gets over; of some halves it does not say so.
WHOLE := import yaml; assert all(len(entry["md5"]) >= 32 and entry["hash"] == "md5" \
  for stage in yaml.safe_load(open("dvc.lock", "rb"))["stages"].values() \
  for part in ("deps", "outs") for entry in stage.get(part, ()))
run: setup
	@python -m json.tool .dvc/tmp/rwlock > /dev/null 2>&1 || rm -f .dvc/tmp/rwlock
	@if [ -e dvc.lock ] && { ! python -c '$(WHOLE)' 2> /dev/null || \
	  dvc stage list 2>&1 > /dev/null | grep -q "dvc.lock'"; }; \
	  then echo "dvc.lock is damaged: moved to dvc.lock.damaged"; mv dvc.lock dvc.lock.damaged; fi
	dvc repro

serve: setup
	inpaint serve --model models:/$(MODEL)@champion --port $(PORT)

# Two processes, each with whole files, whose tests share what is expensive to make; the files in
# their order: those that take longest come first.
PYTEST := $(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test: $(BIN)/ready
	$(PYTEST)

test-all: $(BIN)/ready
	$(PYTEST) -m "not torture" --no-skips

# -rP shows what the tests have counted.
torture: $(BIN)/ready
	$(PYTEST) -m torture -rP tests/faults
	HYPOTHESIS_PROFILE=long $(PYTEST) tests/properties
	for reader in idx compressed-idx cifar picture params; do \
	  $(BIN)/python -m tests.faults.fuzz $$reader 150 || exit; done

mutants: $(BIN)/ready
	rm -rf mutants
	$(BIN)/mutmut run
	$(BIN)/mutmut results

bench: run
	python -m benchmarks.speed
	python -m benchmarks.large_pictures

grid: setup
	python -m benchmarks.grid

pictures: setup
	python -m benchmarks.pictures

pretrained: setup
	python -m benchmarks.pretrained

results: setup
	python -m benchmarks.results

results-mnist results-cifar10: results-%: setup
	python -m benchmarks.results --here $*-seed0

lint: $(BIN)/ready
	ruff format --check
	ruff check
	mypy
	lint-imports

# The locked packages on Linux x86-64, elsewhere what pyproject.toml allows.
$(BIN)/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit( \
	  f"Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is {v[0]}.{v[1]}: make PYTHON=python3.12 ...")'
	@echo "Installing the packages of requirements.lock into .venv: a few minutes, 3 GB ..."
	$(PYTHON) -m venv .venv
	@if [ "$$(uname -sm)" = "Linux x86_64" ]; then \
	  $(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
	else \
	  $(BIN)/python -m pip install --quiet --upgrade pip && \
	  $(BIN)/python -m pip install --quiet -e . --group dev; \
	fi
	@echo 'export MLFLOW_DISABLE_TELEMETRY=true' >> $(BIN)/activate
	@touch $@

# Needs `uv` on the PATH. The lock holds no address: pip's own settings say where packages come from.
lock:
	uv pip compile --universal --fork-strategy fewest --python-version 3.11 --upgrade \
	  --generate-hashes --no-annotate --no-header --no-emit-index-url --group dev \
	  pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv mutants data/raw data/prepared data/holes models dvc_plots mlruns mlflow.db* .dvc/cache .dvc/tmp .dvc/config.local \
	  .pytest_cache .mypy_cache .ruff_cache .import_linter_cache \
	  reports/metrics.json reports/per_image.csv reports/restored.npy reports/histogram.csv \
	  reports/train.json reports/train reports/sweeps reports/compare.png dvc.lock.damaged
	find src tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +
