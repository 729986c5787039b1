# Without make (Windows, PowerShell), from this folder:
#
#   The chapters:
#
#     py -3 -m venv .venv
#     .venv\Scripts\python -m pip install -c constraints.txt -e ".[book]"
#     .venv\Scripts\minixai lab
#
#   Every test and every chapter:
#
#     py -3 -m venv .venv
#     .venv\Scripts\python -m pip install -c constraints.txt torch
#     .venv\Scripts\python -m pip install -c constraints.txt -e ".[book,site,torch,onnx,peers,test]"
#     .venv\Scripts\python -m pip install -c constraints.txt --no-deps zennit
#     $env:OPENBLAS_NUM_THREADS = $env:OMP_NUM_THREADS = $env:NUMBA_NUM_THREADS = 1
#     .venv\Scripts\python -m pytest -n 2 --dist loadfile --nbval-lax --nbval-current-env tests chapters
#
# On Linux and macOS: make lab, make test. Every path below is relative, so the checkout may lie anywhere.

PYTHON  ?= python3
WORKERS ?= 2

BIN     := .venv/bin
INSTALL := $(BIN)/python -m pip install -qq -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: help lab site teacher test test-all lint mutants crosscheck bench benchmarks check clean

help:  ## say what can be made
	@echo "make PYTHON=python3.12 ... chooses the Python that .venv is made with (now: $(PYTHON))"
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' Makefile

lab: .venv/.lab  ## open the chapters in JupyterLab
	@$(BIN)/minixai lab

site: .venv/.site  ## build the web book: build/site/index.html, to be opened without a server
	@$(BIN)/python -m minixai.book.site.build

teacher: .venv/.site  ## build the teacher's pack: build/teacher/index.html
	@$(BIN)/python -m minixai.book.teaching.pack --out build/teacher

test: .venv/.test  ## run every test and every chapter
	@echo "Running the tests and the chapters ..."
	@OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 NUMBA_NUM_THREADS=1 \
	    $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --nbval-lax --nbval-current-env tests chapters

test-all: lint test mutants crosscheck site  ## everything: also the planted bugs, the large networks, the web book

lint: .venv/.test  ## ruff and mypy
	@echo "Checking with ruff and mypy ..."
	@$(BIN)/python -m ruff check
	@$(BIN)/python -m mypy

mutants: .venv/.test  ## plant every bug and look anew for the test that catches it
	@$(BIN)/python -m tests.mutants.find

crosscheck: .venv/.test  ## engine against PyTorch on every network (VGG16 takes some minutes), recorded in data/results
	@$(BIN)/minixai crosscheck --record
	@$(BIN)/minixai crosscheck --dtype float32 --record
	@$(BIN)/minixai crosscheck --random --pictures 1 --record \
	    --network alexnet --network squeezenet --network resnet34 --network vgg16

bench: .venv/.test  ## time the engine against PyTorch and Captum (some ten minutes of a quiet machine), recorded in data/results
	@$(BIN)/minixai bench --record

benchmarks: .venv/.test  ## time the kernels one by one
	@$(BIN)/python -m pytest -q -p no:xdist --benchmark-enable --benchmark-only tests/benchmarks

check: lint test  ## what continuous integration runs

clean:  ## remove everything that was made here, .venv too
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find minixai tests -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment; a stamp in it says what it was last fitted for.

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; \
	    sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is Python " + v + "; minixai needs 3.11 or newer: make PYTHON=python3.11 ...")'
	@echo "Making .venv ..."
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.lab: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing minixai and what the chapters need (some minutes, once) ..."
	@$(INSTALL) -e ".[book]"
	@touch $@

.venv/.site: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing minixai and what the web book is made with (some minutes, once) ..."
	@$(INSTALL) -e ".[book,site]"
	@touch .venv/.lab $@

.venv/.test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing PyTorch (some minutes, once) ..."
	@$(INSTALL) torch
	@echo "Installing minixai and everything that the tests need (some minutes, once) ..."
	@$(INSTALL) -e ".[book,site,torch,onnx,peers,test]"
	@$(INSTALL) --no-deps zennit  # it asks for torchvision, and needs only the names of two of its classes
	@touch .venv/.lab .venv/.site $@
