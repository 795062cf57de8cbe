# `make demo` and `make test` set up what they need; everything fetched lands in the cache folder, outside the tree.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test lint generate clean

CACHE := $(or $(CACHENET_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cachenet)
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## fetch ONNX Runtime (once)
	@scripts/onnxruntime.sh >/dev/null

build: ## bin/cachenet
	@go build -o bin/cachenet ./cmd/cachenet

demo: setup build ## the whole pipeline on generated frames, in under a minute
	@bin/cachenet demo

test: setup ## unit and end-to-end tests, race detector on
	go test -race -timeout 15m ./...

lint: $(GOLANGCI) ## gofmt, vet, golangci-lint and the direction of imports
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	$(GOLANGCI) run

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

generate: ## the generated encodings of schemas and policy
	go generate ./...

clean: ## remove what was built here (the cache stays)
	rm -rf bin out
