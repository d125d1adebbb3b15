# Everything a newcomer needs: `make run` and `make test`. `make help` lists the rest.
.PHONY: help run test peers build components setup lint unit bench clean
.DEFAULT_GOAL := help
SHELL := /bin/sh

export CARGO_TARGET_DIR ?= $(CURDIR)/target
ifneq ($(wildcard /usr/lib/llvm-22/lib),)
export LIBCLANG_PATH ?= /usr/lib/llvm-22/lib
endif
export HEADWORKS_COMPONENTS ?= $(CARGO_TARGET_DIR)/components

DATA ?= data
PLUGINS := vrl
say = @printf '\n== %s\n' '$(1)'

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## install what is missing, build, start the server; an empty data folder is filled with the quick start
	$(call say,starting the server; stop it with Ctrl-C)
	exec $(CARGO_TARGET_DIR)/release/headworks serve --data $(DATA) --example examples/quickstart $(ARGS)

test: lint components ## the whole suite
	@sh tools/setup.sh tests
	$(call say,native tests of the first-party plugins)
	cargo test --manifest-path plugins/Cargo.toml
	$(call say,the tool that builds components and the SDK for Rust)
	cargo test --release --manifest-path tools/guests/Cargo.toml
	cargo test --manifest-path sdk-guest/rust/Cargo.toml
	$(call say,building the server and every test)
	cargo build --release
	cargo test --release --workspace --no-run
	$(call say,testing)
	cargo test --release --workspace

peers: build ## forwarders and the registry against real peers; installs RabbitMQ and the original registry
	sh tools/setup.sh peers
	cargo test --release -p headworks-tests --test peers

build: setup components ## the server and its components
	$(call say,building the server: about 15 minutes on two cores the first time)
	cargo build --release

components: setup ## the WebAssembly components, first-party and for tests
	$(call say,building the WebAssembly components: about 8 minutes on two cores the first time)
	cargo run --quiet --release --manifest-path tools/guests/Cargo.toml -- build plugins tests/plugins --out $(HEADWORKS_COMPONENTS)

lint: setup ## formatting and lints
	$(call say,checking formatting and lints)
	cargo fmt --all --check
	cargo clippy --release --workspace --all-targets -- -D warnings

bench: build ## the benchmarks, as tables
	cargo run --release -p headworks-bench -- $(ARGS)

setup: ## install what is missing
	@sh tools/setup.sh

clean: ## remove everything built
	rm -rf $(CARGO_TARGET_DIR)
