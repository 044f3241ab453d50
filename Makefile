# Everything is done by the development tool in dev/; `python3 -m dev --help` tells more than this file.
# Options go into ARGS: make test ARGS="--only units --core 2.21"

# The first interpreter that can run the tool. It finds the others that the tests want by itself.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.14 python3.11 python3.10; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && echo "$$python" && break; done)
endif
DEV := $(if $(PYTHON),$(PYTHON) -B -m dev,$(error Python 3.10 or newer is needed; say which with PYTHON=…))

PORT ?= 8899
PROFILE ?= samples

.PHONY: help env demo test test-ee test-controller check simulator bench faults soak generate docs lock changelog release clean

help:
	@$(DEV) --help

# A playbook against a stand-in server, from nothing: the way to see what this collection does.
demo:
	@$(DEV) demo $(ARGS)

# The tests on the newest ansible-core. With ARGS=--all every test, on every ansible-core and Python of this machine.
test:
	@$(DEV) test $(ARGS)

# An execution environment on BASE_IMAGE, built by podman, and the apply job in it.
test-ee:
	@$(DEV) test-ee --base-image "$(BASE_IMAGE)" $(ARGS)

# The playbook mstr.library.controller on the real controller that CONTROLLER_HOST, _USERNAME and _PASSWORD name.
test-controller:
	@$(DEV) test-controller $(ARGS)

# The inner loop, in seconds: format, lint, types, unit tests.
check:
	@$(DEV) check $(ARGS)

# What the pytest tests of STAGE need, as export lines for a shell: eval "$(make -s env STAGE=faults)"
env:
	@$(DEV) env "$(STAGE)" $(ARGS)

# The stand-in server by itself, until Ctrl-C.
simulator:
	@$(DEV) simulator --port $(PORT) --profile $(PROFILE) $(ARGS)

# What the modules cost, compared in pairs.
bench:
	@$(DEV) bench $(ARGS)

# What they make of faults, side by side with other clients.
faults:
	@$(DEV) faults $(ARGS)

# Hundreds of tasks in a row, and what they leave.
soak:
	@$(DEV) soak $(ARGS)

# The documentation that follows from the field table and from the descriptions of the options, in the files.
generate:
	@$(DEV) generate

# The guides and the module documentation as a site.
docs:
	@$(DEV) docs $(ARGS)

# Newer pins in dev/requirements/*.txt, from the *.in files beside them.
lock:
	@$(DEV) lock $(ARGS)

# CHANGELOG.md of the version in galaxy.yml, from the fragments.
changelog:
	@$(DEV) changelog $(ARGS)

# The tarball for Galaxy in dist/, after it was tried in an empty environment.
release:
	@$(DEV) release $(ARGS)

clean:
	@$(DEV) clean
