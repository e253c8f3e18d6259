# What a developer needs; CI runs `make check` and `make test-kafka`. Nothing but Go is needed, unless a target says so.

CORPUS ?= ../shared/corpus
FUZZTIME ?= 20s
EVENTS ?= 1000000
SIGMA ?= ../shared/sigma
BENCH ?= .
COUNT ?= 1
DURATION ?= 2m
SEED ?= 0
NODES ?= 1
HALF ?=
STRICT ?=
KAFKA_TESTS = ./internal/kafka/... ./internal/kafkatest/... ./internal/consume ./internal/deadletter ./internal/produce ./internal/app ./cmd/worker
PKG ?= ./...
PROMTOOL ?= promtool
ARGS ?=
tool = go tool -modfile=tools/$(1)/go.mod $(1)
compose = docker compose -f deploy/compose/compose.yaml

.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## build bin/worker
	go build -o bin/ ./cmd/worker

.PHONY: demo
demo: build ## broker, sensors, attackers and tags in one process (ARGS="--once")
	@bin/worker demo $(ARGS)

.PHONY: test
test: ## run the tests; with RACE=1 all of them under the race detector, in random order
	go test $(if $(RACE),-race -shuffle=on,-short) $(PKG)

.PHONY: kafka-up
kafka-up: ## start Apache Kafka on port 19092, NODES (1) brokers, until make kafka-down (needs a JDK, 17 or newer, and Maven)
	@go run ./internal/kafkatest/kafkactl up -nodes $(NODES)

.PHONY: kafka-down
kafka-down: ## stop what make kafka-up started; its data stays
	@go run ./internal/kafkatest/kafkactl down

.PHONY: test-kafka
test-kafka: ## run the tests that need a broker on Apache Kafka (needs a JDK, 17 or newer, and Maven)
	@go build -o bin/ ./internal/kafkatest/kafkactl
	bin/kafkactl exec go test -short -count=1 -timeout 20m $(KAFKA_TESTS)

.PHONY: race
race: compiler ## make test RACE=1 (needs a C compiler)
	@CGO_ENABLED=1 $(MAKE) test RACE=1

.PHONY: allocations
allocations: ## count what an event and a tag cost in allocations, without the race detector
	go test -count=1 -run '^TestAllocations' ./internal/tagger/engine ./internal/wire ./internal/pipeline

.PHONY: lint
lint: ## run golangci-lint; its first run builds it, which takes a minute or two
	$(call tool,golangci-lint) run ./...
	cd bench && go tool -modfile=../tools/golangci-lint/go.mod golangci-lint run ./...
	cd chaos && go tool -modfile=../tools/golangci-lint/go.mod golangci-lint run ./...

.PHONY: fmt
fmt: ## format the Go files
	@$(call tool,goimports) -local ttpworker -w . && $(call tool,gofumpt) -w .

.PHONY: fmt-check
fmt-check: ## fail on a file that make fmt would change
	@files=$$($(call tool,goimports) -local ttpworker -l . && $(call tool,gofumpt) -l .) && [ -z "$$files" ] || { echo "make fmt would change: $$files" >&2; exit 1; }

.PHONY: vet
vet: ## run go vet for Linux, macOS and Windows
	GOOS=linux go vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	go -C bench vet ./...
	go -C chaos vet ./...

.PHONY: size
size: ## fail on a Go file over 400 lines that does not say why
	@! find . -name '*.go' -exec sh -c '[ $$(wc -l <"$$1") -le 400 ] || grep -q "^// Over 400 lines: " "$$1" || echo "$$1: over 400 lines, and no line // Over 400 lines: says why"' - {} \; | grep .

.PHONY: tidy
tidy: ## fail if a go.mod or go.sum is not what go mod tidy makes of it
	go mod tidy -diff
	go -C bench mod tidy -diff
	go -C chaos mod tidy -diff

.PHONY: rules
rules: build ## check the rule pack and run the tests in it
	bin/worker rules lint --rules rules/ttp
	bin/worker rules test --rules rules/ttp

.PHONY: docs
docs: ## check the commands, YAML blocks and links in the documents (make test does too)
	go test -count=1 -run '^TestDocuments' ./cmd/worker

.PHONY: alerts
alerts: ## check and test the alert rules with PROMTOOL (promtool); says so and goes on if there is none
	@sh scripts/alerts.sh $(PROMTOOL)

.PHONY: check
check: compiler fmt-check size tidy vet lint rules alerts race allocations bench-smoke chaos-test ## what CI runs, beside test-kafka and chaos: format, size, modules, vet, lint, rules, alerts, all tests, allocations, bench-smoke, chaos-test (needs a C compiler)
	@echo 'make check: all good'

.PHONY: compiler
compiler:
	@cc=$$(go env CC); command -v "$${cc%% *}" >/dev/null || { echo "The race detector needs a C compiler, and $$cc is not there: install one (Debian: apt-get install gcc libc6-dev) or name yours in CC. make test needs none." >&2; exit 1; }

.PHONY: bin/chaos
bin/chaos:
	@go -C chaos build -o ../bin/chaos .

.PHONY: chaos
chaos: build bin/chaos ## inflict faults on workers and brokers for DURATION (2m), those of SEED, and check every event (needs Linux, a JDK, 17 or newer, and Maven)
	@bin/chaos -duration $(DURATION) -seed $(SEED) $(ARGS)

.PHONY: chaos-test
chaos-test: ## test what checks and inflicts in make chaos; seconds
	go -C chaos test ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (20s)
	@sh scripts/fuzz.sh $(FUZZTIME)

.PHONY: bin/bench
bin/bench:
	@go -C bench build -o ../bin/bench .

.PHONY: bench
bench: bin/bench ## print what matching costs, beside other ways, with the public rules in SIGMA; 2 minutes (ARGS="-quick")
	@bin/bench -sigma $(SIGMA) $(ARGS)

.PHONY: bench-kafka
bench-kafka: ## print what the worker costs beside a bare copy, on an Apache Kafka of its own; 10 minutes (needs a JDK, 17 or newer, and Maven)
	@go -C bench build -o ../bin/bench-kafka ./kafka
	@bin/bench-kafka -sigma $(SIGMA) $(ARGS)

.PHONY: bench-smoke
bench-smoke: bin/bench ## test bench, and see that it runs and that the index gives no wrong answer; seconds
	go -C bench test ./...
	bin/bench -sigma $(SIGMA) -quick

.PHONY: microbench
microbench: ## run the Go benchmarks BENCH of PKG, COUNT times
	@go test -short -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) $(PKG)

.PHONY: agree
agree: ## hold the index against a plain scan over EVENTS (1,000,000) generated events and all public rules
	go test -count=1 -v -timeout 60m -run 'ByIndexAndReference$$' ./internal/match -events $(EVENTS)

.PHONY: compare
compare: ## compare two saved outputs of make microbench: OLD=file NEW=file
	@$(call tool,benchstat) $(OLD) $(NEW)

.PHONY: golden
golden: ## write the golden files anew; read the diff before it is committed
	go test $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u) -update

.PHONY: test-registry
test-registry: ## run the tests that want a real schema registry: TTP_TEST_REGISTRY, or Apicurio Registry (needs a JDK, 17 or newer, and Maven)
	@sh scripts/test-registry.sh

.PHONY: score
score: build ## score the rule pack over the labelled events in CORPUS, or one half of them, HALF=0 or 1; STRICT=1 fails on a rule that is surer than right (needs Python 3)
	@python3 scripts/score.py $(if $(HALF),--half $(HALF)) $(if $(STRICT),--strict) bin/worker $(CORPUS)

.PHONY: up
up: ## start Kafka, three replicas and Prometheus in containers (needs Docker)
	$(compose) up --build --detach

.PHONY: down
down: ## stop what make up started; the topics stay (needs Docker)
	$(compose) down

.PHONY: clean
clean: ## remove what was built; demo-rules, which you may have edited, stays
	rm -rf bin coverage.out
