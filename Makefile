# Each target is a session of noxfile.py: `make help` lists them with what they do. The development tool in dev/ runs them.
# Options go into ARGS: make test ARGS="--only units --core 2.21"

# The first interpreter that can run the tool. It finds the others that the tests want by itself.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.14 python3.11 python3.10; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo "$$python" && break; done)
endif
DEV := $(if $(PYTHON),$(PYTHON) -B -m dev,$(error Python 3.10 or newer is needed; say which with PYTHON=…))

PORT ?= 8899
PROFILE ?= playground

SESSIONS := demo test test-controller test-ee test-load check bench generate docs lock changelog release clean
.PHONY: help env simulator $(SESSIONS)

help:
	@$(DEV) --list

$(SESSIONS):
	@$(DEV) $@ $(ARGS)

# What the pytest tests of STAGE need, as export lines for a shell: eval "$(make -s env STAGE=faults)"
env:
	@$(DEV) env "$(STAGE)"

# The simulator by itself, until Ctrl-C.
simulator:
	@$(DEV) simulator --port $(PORT) --profile $(PROFILE) $(ARGS)
