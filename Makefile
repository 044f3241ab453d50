# Each command is a session of noxfile.py: `make help` lists them. Options go into ARGS: make test ARGS="--all -k proxy"

# The first interpreter that can run nox. Nox finds the others that the tests want by itself.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.14 python3.11 python3.10; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo "$$python" && break; done)
endif
NOX := .venv/nox/bin/nox
PORT ?= 8899
PROFILE ?= playground
COMMANDS := demo simulator check test bench generate docs changelog lock release
simulator: override ARGS := --port $(PORT) --profile $(PROFILE) $(ARGS)

.PHONY: help clean $(COMMANDS)

help: $(NOX)
	@$(NOX) --list --tags command | sed -n 's/^\* \([a-z]*\) \[command\]/make \1/p'

$(COMMANDS): $(NOX)
	@$(NOX) --session $@ -- $(ARGS)

clean:
	rm -rf .cache .venv dist

$(NOX): dev/requirements.txt
	$(if $(PYTHON),,$(error Python 3.10 or newer is needed; say which with PYTHON=…))
	@echo "Setting up in .venv (the first time takes a minute) …" >&2
	@"$(PYTHON)" -m venv --clear .venv/nox && mkdir -p .cache
	@PIP_CACHE_DIR="$${PIP_CACHE_DIR:-.cache/pip}" PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/nox/bin/pip install --quiet \
		--constraint dev/requirements.txt antsibull-nox nox uv
	@touch $@
