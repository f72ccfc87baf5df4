# Every task of the project. The work is in scripts/; CI calls `make test` and nothing else.
.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash

.PHONY: help setup run test check fmt sim crash fuzz-long differential differential-record conformance helm kubectl-record bench-informer bench-apiserver bench-proxy bench-changes instructions layout docs

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what this machine lacks
	@scripts/setup.sh test

run: ## start an API server of our own with a sample, and watch it (RUN_SECONDS=20 ends by itself)
	@scripts/run.sh

test: ## everything that must hold before a change lands
	@scripts/test.sh

check: ## the quick part: format, tidy, lints
	@scripts/check.sh

fmt: ## format Rust and Go
	@cargo fmt --all
	@git ls-files -z -- '*.go' | xargs -0 -r gofmt -w

sim: ## simulate random histories of the informer (HISTORIES=100000)
	@TIDEGATE_SIM_HISTORIES=$(or $(HISTORIES),100000) cargo test -p tidegate-informer --release simulation -- --nocapture

crash: ## kill a store that is written to, many times, and look at what is left (ROUNDS=500)
	@TIDEGATE_STORE_CRASH_ROUNDS=$(or $(ROUNDS),500) cargo test -p tidegate-store --release --test crash

fuzz-long: ## the generated tests of decoders and packer, many more cases (CASES=100000)
	@scripts/fuzz.sh

differential: ## send the whole corpus of requests to a real kube-apiserver too
	@cargo test -p tidegate-apiserver --test differential
	@scripts/differential.sh all

differential-record: ## record the real kube-apiserver's answers to the corpus
	@scripts/differential.sh record

conformance: ## the official Gateway API suite, profile GATEWAY-HTTP (TEST=HTTPRouteMatching for one, TEST=short for a dozen, API=embedded)
	@API=$(or $(API),real) scripts/conformance.sh $(or $(TEST),all)

helm: ## install, upgrade, roll back and remove a chart with Helm on `tidegate up`; builds Helm the first time
	@cargo test -p tidegate --test helm -- --ignored

kubectl-record: ## run kubectl's scripts on a real cluster and keep what it prints (SCRIPT=create for one)
	@TIDEGATE_RECORD=1 TIDEGATE_SCRIPT=$(SCRIPT) cargo test -p tidegate --test kubectl

bench-informer: ## compare the informer with its peers (COUNT=10000 objects)
	@bench/informer/run.py --count $(or $(COUNT),10000)

bench-apiserver: ## compare the embedded API server with etcd + kube-apiserver (COUNT=10000 objects)
	@bench/apiserver/run.py --count $(or $(COUNT),10000)

bench-proxy: ## compare the gateway with nginx, HAProxy, Envoy and Caddy (ROUNDS=5)
	@scripts/setup.sh bench
	@bench/proxy/run.py --rounds $(or $(ROUNDS),5)

bench-changes: ## change a gateway under load on a real API server: failed requests, time until served
	@bench/changes/run.py --p50-ms 2 --p99-ms 10

instructions: ## compare the hot paths' instruction counts with the ratchet
	@cargo xtask ratchet-instructions

layout: ## write down anew which functions the linker puts together (needs valgrind, some minutes)
	@scripts/setup.sh test
	@bench/layout/run.py

docs: ## build the libraries' documentation
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps
