# The targets work on a bare machine with make and Python 3.11 or newer.
#
#   make demo    install the core alone and compare representations on the embedded corpus
#   make test    install everything and run all tests
#   make lint    ruff and mypy
#   make bench   a benchmark, such as AREA=fused; DATA names the folder with the data sets
#   make fuzz    one million random comparisons with scikit-learn
#   make hostile  damaged and malicious files for every reader, HOSTILE_CASES for each
#   make oldest  the tests with the oldest versions that are admitted, on Python 3.11

VENV ?= .venv
DEMO_VENV ?= .venv-demo
OLDEST_VENV ?= .venv-oldest
# Where that is to be had with CUDA only, which is gigabytes, another can be named.
OLDEST_TORCH ?= 2.11.0
DATA ?= $(TEXTREP_DATA)
CASES ?= 1000000
HOSTILE_CASES ?= 1000
AREA ?= sparse

SOURCES := $(shell find textrep corpora -type f -not -path '*/__pycache__/*')

# The first candidate that is new enough and can make virtual environments. constraints.txt is
# checked with 3.11, which therefore comes first.
define MAKE_VENV
python=; \
for candidate in $(PYTHON) python3.11 python3.12 python3.13 python3 python; do \
  if "$$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' \
    >/dev/null 2>&1; then python="$$candidate"; break; fi; \
done; \
if [ -z "$$python" ]; then \
  echo "textrep needs Python 3.11 or newer with the modules venv and ensurepip" \
    "(on Debian and Ubuntu: the package python3-venv)." \
    "If it is not on the PATH: make $(MAKECMDGOALS) PYTHON=/path/to/python" >&2; \
  exit 1; \
fi; \
"$$python" -m venv
endef

.PHONY: demo test lint bench fuzz hostile oldest clean

demo: $(DEMO_VENV)/.installed
	$(DEMO_VENV)/bin/textrep compare --report $(DEMO_VENV)/report.html

test: $(VENV)/.installed
	$(VENV)/bin/python -m pytest -n 2

lint: $(VENV)/.installed
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

bench: $(VENV)/.installed
	@if [ -z "$(DATA)" ]; then \
	  echo "make bench needs the data sets: make bench DATA=/path/to/data" >&2; exit 1; fi
	$(VENV)/bin/python "benchmarks/$(AREA).py" --data "$(DATA)"

fuzz: $(VENV)/.installed
	$(VENV)/bin/python tests/sparse/differential.py --cases $(CASES)

hostile: $(VENV)/.installed
	$(VENV)/bin/python tests/hostile/campaign.py --cases $(HOSTILE_CASES)

oldest: $(OLDEST_VENV)/.installed
	$(OLDEST_VENV)/bin/python -m pytest -n 2

# Not editable, so that the demo runs what a user would install; made anew when a source changes.
$(DEMO_VENV)/.installed: pyproject.toml constraints.txt $(SOURCES)
	@$(MAKE_VENV) $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet -c constraints.txt .
	$(DEMO_VENV)/bin/textrep compile
	@touch $@

# torch first and alone: resolved together with the rest, pip may look at builds for GPUs, which
# are gigabytes in size.
$(VENV)/.installed: pyproject.toml constraints.txt
	@$(MAKE_VENV) $(VENV)
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt torch
	$(VENV)/bin/python -m pip install --quiet -c constraints.txt -e '.[all,test]'
	@touch $@

$(OLDEST_VENV)/.installed: pyproject.toml constraints-oldest.txt
	@$(MAKE_VENV) $(OLDEST_VENV)
	sed 's/^torch==.*/torch==$(OLDEST_TORCH)/' constraints-oldest.txt > $(OLDEST_VENV)/constraints.txt
	$(OLDEST_VENV)/bin/python -m pip install --quiet -c $(OLDEST_VENV)/constraints.txt torch
	$(OLDEST_VENV)/bin/python -m pip install --quiet -c $(OLDEST_VENV)/constraints.txt -e '.[all,test]'
	@touch $@

clean:
	rm -rf $(VENV) $(DEMO_VENV) $(OLDEST_VENV) build dist
