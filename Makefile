# Targets for people and for CI. `make demo` and `make test` need Go alone.
GO      ?= go
BIN     ?= bin
LINT    := $(BIN)/golangci-lint
LINT_VERSION := v2.15.0
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)

# Packages with long compile times are built once and cached by go itself.
export CGO_ENABLED = 0

.PHONY: demo build test check test-cluster bench simulate fuzz fmt lint clean

demo: build ## the whole thing on sample data, no setup
	@$(BIN)/kith demo

build: ## bin/kith
	@$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o $(BIN)/kith ./cmd/kith

test: ## all tests; says what it could not run
	@GO=$(GO) ./scripts/test

check: ## what CI runs: everything, with real servers required and the race detector
	@$(MAKE) --no-print-directory fmt-check lint build
	@KITH_REQUIRE_SERVERS=1 GO=$(GO) ./scripts/test -race

test-cluster: ## three daemons on 300 mailboxes while all they rest on fails, at full length: 12 minutes
	@KITH_CLUSTER=full KITH_REQUIRE_SERVERS=1 $(GO) test ./clustertest -count=1 -parallel 1 -timeout 1h -v

fmt:
	gofmt -w $$(git ls-files '*.go')

.PHONY: fmt-check
fmt-check:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); \
	  [ -z "$$unformatted" ] || { echo "not formatted (make fmt): $$unformatted"; exit 1; }

lint: $(LINT) ## vet, linters and the direction of imports
	@$(GO) vet ./...
	@$(LINT) run ./...

$(LINT):
	@echo "building golangci-lint $(LINT_VERSION), once"
	@GOBIN=$(abspath $(BIN)) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

bench: ## the benchmark mailbox on a real server; figures and ratios
	@$(GO) run ./bench
	@$(GO) run ./bench/contacts
	@$(GO) test ./sync/ical ./cmd/kith -run '^$$' -bench 'Expand|Calendars' -benchtime 3x

# One processor, for virtual time goes on when every goroutine waits.
simulate: ## a day of 100,000 mailboxes on the real scheduler, in minutes; figures and plots of docs/scale.md
	@GOMAXPROCS=1 GOGC=800 $(GO) test ./sync/simulation -count=1 -timeout 2h -v -run TestDay -plots $(CURDIR)/docs

FUZZTIME ?= 60s
fuzz: ## every fuzz target for FUZZTIME
	@GO=$(GO) ./scripts/fuzz $(FUZZTIME)

clean:
	rm -rf $(BIN)
