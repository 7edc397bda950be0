# `make demo` and `make test` are all that a new machine needs. Builds are kept in ~/.cache/embedding-operator.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CACHE := $(or $(EMBEDDING_OPERATOR_CACHE),$(HOME)/.cache/embedding-operator)
TOOLS := $(CACHE)/tools/bin
UV := $(or $(wildcard $(TOOLS)/uv),$(shell command -v uv 2>/dev/null),$(TOOLS)/uv)
# Programs installed into the cache come first, system directories last because the PATH of many users lacks them.
export PATH := $(TOOLS):$(PATH):/usr/local/sbin:/usr/sbin:/sbin
# Without it, every run compiles all tests again.
unexport PYTHONDONTWRITEBYTECODE
RUN := $(UV) run --no-sync
CLUSTER := $(RUN) python -m testbed.cluster
SECONDS_PER_TEST ?= 600
UNIT_TESTS := tests/unit tests/golden tests/testbed tests/benchmarks

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

$(TOOLS)/uv:
	@sh tools/install-uv.sh $(CACHE)

.PHONY: setup
setup: $(UV) ## Install the Python environment
	@$(UV) sync --quiet

.PHONY: lint
lint: setup ## Check style, types and import layers
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy
	$(RUN) mypy tests testbed e2e benchmarks tools
	$(RUN) lint-imports

.PHONY: unit
unit: setup ## Run the tests of decisions and rendering, in seconds
	$(RUN) pytest tests/unit tests/golden --ignore tests/unit/simulation \
	  -m "not process and not thorough" -q -n auto --dist worksteal

.PHONY: thorough-unit
thorough-unit: setup ## Run the same with more examples, and what takes longer
	HYPOTHESIS_PROFILE=ci $(RUN) pytest $(UNIT_TESTS) -m "not simulation and not process" -q -n auto --dist worksteal

.PHONY: process-tests
process-tests: setup ## Tests that open sockets or start processes of this project
	$(RUN) pytest $(UNIT_TESTS) -m process -q -n 4 --dist worksteal

.PHONY: simulation-tests
simulation-tests: setup ## Tests of the simulator; the first run spends half a minute compiling
	$(RUN) pytest $(UNIT_TESTS) -m simulation -q

.PHONY: chart
chart: setup ## Chart tests with the real Helm
	$(CLUSTER) build core
	$(RUN) pytest tests/chart -m "not cluster" -q

.PHONY: generate
generate: setup ## Write crds/, the chart's CRDs and manifests/
	$(RUN) python -m tools.generate

.PHONY: picture
picture: setup ## Draw the README's picture anew, from a simulated day
	$(RUN) python -m tools.picture

.PHONY: build
build: setup ## Build the binaries and images for the test clusters
	$(CLUSTER) build all

.PHONY: engine-tests
engine-tests: setup ## Contract tests of the real SGLang and the fake engine
	$(RUN) pytest tests -m engine --timeout $(SECONDS_PER_TEST) -q

.PHONY: gateway-tests
gateway-tests: setup ## Tests of the gateway's configuration with the real HAProxy
	$(RUN) pytest tests -m "haproxy and not cluster and not engine" --timeout $(SECONDS_PER_TEST) -q

.PHONY: prometheus-tests
prometheus-tests: setup ## Tests of triggers and forecasts with a real Prometheus
	$(RUN) pytest tests -m prometheus --timeout $(SECONDS_PER_TEST) -q

.PHONY: integration
integration: setup ## Tests against a real API server with KWOK nodes
	$(CLUSTER) down control-plane
	$(CLUSTER) up control-plane
	$(CLUSTER) exec control-plane -- $(RUN) pytest tests -m "cluster and not faults" --timeout $(SECONDS_PER_TEST) --durations=10 -q; \
	  code=$$?; $(CLUSTER) down control-plane; exit $$code

.PHONY: e2e
e2e: setup ## End-to-end tests of the operator, installed by Helm, on kind with an A10 node and a T4 node
	$(RUN) pytest e2e -m kind --timeout 1800 --durations=10 -q; code=$$?; $(CLUSTER) down kind; exit $$code

.PHONY: programs
programs: setup ## Install the programs that the demo and the tests need on this machine; build nothing
	@$(RUN) python -m testbed.preparation test --programs-only

.PHONY: bare-tests
bare-tests: setup ## Run the README's first commands on a machine with nothing but Python and make
	$(RUN) pytest tests/bare --timeout 1200 -q

.PHONY: prepare-demo prepare-test
prepare-demo prepare-test: prepare-%: setup
	@$(RUN) python -m testbed.preparation $*

.PHONY: test
test: prepare-test lint thorough-unit process-tests simulation-tests chart gateway-tests prometheus-tests ## All tests
	@echo "engine-tests, bare-tests, integration and e2e run side by side: clusters mostly wait; each prints its output at its end"
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target engine-tests bare-tests integration e2e

.PHONY: demo
demo: setup ## Live demo on a kind cluster that it creates itself
	$(RUN) python -m e2e.demo

.PHONY: bench
bench: setup ## Measure decisions, reaction time and the operator's own cost
	$(RUN) python -m benchmarks

.PHONY: faults
faults: setup ## Inject every fault of the matrix and write its page; ARGS go to pytest
	$(RUN) python -m benchmarks.faults $(ARGS)

.PHONY: bench-sim
bench-sim: setup ## Simulate every policy on real traces: TRACES=DIR, further options in ARGS
	$(RUN) python -m benchmarks.simulation $(if $(TRACES),--traces $(TRACES)) $(ARGS)
	$(RUN) python -m benchmarks.simulation.report benchmarks/results/simulation

.PHONY: bench-robustness
bench-robustness: setup ## Simulate weeks that differ from the fitted one: TRACES=DIR, further options in ARGS
	$(RUN) python -m benchmarks.simulation.robustness $(if $(TRACES),--traces $(TRACES)) $(ARGS)

.PHONY: clean
clean: ## Delete every cluster of this project
	$(CLUSTER) down all
