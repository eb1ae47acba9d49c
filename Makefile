# The front door: `make help` lists what it opens.
#
# Whatever is missing is made first: the build, the Python environment, the flights. JDK 25 is found where the default
# java is another one; see local/find.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

# Maven itself uses what JDK 25 warns about.
MVN := MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow $${MAVEN_OPTS:-}" local/find jdk mvn -B
# For a JVM that doesn't live long enough to earn back what its second compiler costs.
SHORT_LIVED := -XX:TieredStopAtLevel=1 -XX:+UseSerialGC
# For what measures: neither code nor coverage is looked at.
UNWATCHED := -Dspotless.check.skip=true -Djacoco.skip=true
UV := .tools/uv/bin/uv
VENV := .venv/.installed
CDK := infra/cdk/node_modules/.installed
BUILT := target/.built
PYTHON_FUNCTION := bench/python/target/package/.packaged
STACK := PYTHONPATH=local .venv/bin/python -m stack
# For commands that look at what was started: they need no network, and change nothing under running processes.
STARTED_STACK := test -e $(VENV) || { ! compgen -G 'local/run/parts/*.json' >/dev/null || \
	  { echo "A stack was started here, but .venv, which is needed to find it, is gone: run 'make $(VENV)' first." >&2; exit 1; }; \
	  echo "Nothing was ever started here: run 'make up'."; exit 0; }; $(STACK)

# What the build is made from; tests don't go into it.
SOURCES := pom.xml $(wildcard .mvn/*) $(shell find flink-jobs functions infra/cdk local/flink local/dynamodb \
	\( -name target -o -name node_modules -o -name test -o -name data \) -prune -o \
	\( -name pom.xml -o -path '*/src/main/*' -o -path '*/src/assembly/*' \) -type f -print)

# The functions alone, and the packages of them that take their time and are built when they are asked for.
PRODUCT := $(filter pom.xml functions/pom.xml functions/src/main/%,$(SOURCES))
NATIVE := functions/target/native/function.zip
AOT := functions/target/function-aot.zip
# Fails when one of these packages is there and isn't of these sources.
IS_FRESH = for package in $(1); do \
	  if test -e $$package && test -n "$$(find $(PRODUCT) -newer $$package -print -quit)"; then \
	  echo "$$package is older than the sources of the functions: build it anew, or remove it." >&2; exit 1; fi; done

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: $(BUILT) ## Build the functions, the example jobs, Flink for the laptop and the CDK app

.PHONY: native
native: $(NATIVE) ## Build the functions natively, by a native-image for JDK 25 or in a container, into functions/target/native

$(NATIVE): $(PRODUCT) | $(VENV)
	@local/native

.PHONY: aot
aot: $(AOT) ## Package the functions with a Java runtime of their own and an AOT cache, into functions/target

$(AOT): $(PRODUCT) | $(BUILT) $(VENV)
	@$(MVN) -q -pl functions test-compile failsafe:integration-test failsafe:verify $(UNWATCHED) \
	  -Dit.test=AotPackage
	@PYTHONPATH=local .venv/bin/python -m stack.binary $@

.PHONY: data
data: ## Fetch the flights of New York 2013
	@PYTHON="$$(local/find python)" flink-jobs/fetch-data.sh

.PHONY: up
up: $(BUILT) $(VENV) $(CDK) data ## Bring the laptop stack up: MiniStack, Flink, Airflow; deploy the functions
	@$(STACK) up

# A session cluster, or with CLUSTER=managed the double of Amazon Managed Service for Apache Flink.
CLUSTER ?= local

.PHONY: demo
demo: $(BUILT) $(VENV) $(CDK) data ## Bring the stack up, run the example DAGs, check and show their results; CLUSTER=managed takes Managed Flink
	@$(STACK) demo --cluster '$(CLUSTER)'

.PHONY: down
down: ## Take the laptop stack down, whatever state it is in
	@$(STARTED_STACK) down

.PHONY: status
status: ## Show how each part of the stack is
	@$(STARTED_STACK) status

.PHONY: logs
logs: ## Follow the stack's logs; PART=aws picks one part
	@$(STARTED_STACK) logs $(PART)

.PHONY: test
test: build data $(VENV) $(CDK) ## Run all tests, those on the stack and the demo included; takes about 45 minutes
	PYTHON="$(CURDIR)/.venv/bin/python" $(MVN) verify -Dsurefire.jvm.args='$(SHORT_LIVED)'
	@grep -o '<skipped message="[^"]*"' -r --include='TEST-*.xml' functions/target flink-jobs/target infra/cdk/target \
	  | sed -E 's/.*TEST-([^:]*)\.xml:<skipped message="([^"]*)"/Skipped: a test of \1, because \2/' || true
	cd local && ../.venv/bin/pytest -rs
	cd bench && ../.venv/bin/pytest
	cd local/managed-flink && ../../.venv/bin/pytest -rs
	$(STACK) during $(MAKE) --no-print-directory test-stack
	cd local && ../.venv/bin/pytest -m stopped

# The stack's sockets are looked at after the demos, when functions and tasks have run.
.PHONY: test-stack
test-stack:
	@$(STACK) demo
	@$(STACK) demo --cluster managed
	cd local && ../.venv/bin/pytest -m stack
	cd airflow-dags && SLUICEWAY_STACK=1 ../.venv/bin/pytest -rs

# On the JVM `make test` does the same, and more.
.PHONY: test-native
test-native: $(BUILT) $(VENV) $(CDK) data ## Run the package's tests, the small fault suites and the demos on what `make native` has built
	@test -e $(NATIVE) || { echo "There is no native package here: run 'make native' first." >&2; exit 1; }
	@$(call IS_FRESH,$(NATIVE))
	@$(MVN) -pl functions test-compile failsafe:integration-test failsafe:verify -Dspotless.check.skip=true \
	  -Dit.test='PackagedFunctionsIT,FaultSuiteIT,ManagedFaultSuiteIT' -Dfunctions.zip=$(NATIVE)
	@export SLUICEWAY_PACKAGING=NATIVE; $(STACK) during bash -c '$(STACK) demo && $(STACK) demo --cluster managed'

# What is run is remembered in the file, by a hash of the product's sources: a second run goes on where the first ended.
FAULTS_TRIALS ?= 20
FAULTS_RESTARTS ?= 50
FAULTS_CROWDS ?= 20
FAULTS_AT_ONCE ?= 8
FAULTS_MINUTES ?= 1440
FAULTS_KINDS ?= .*
FAULTS_HISTORIES ?= .*
FAULTS_PACKAGE ?= functions/target/function-local.zip
FAULTS_FILE ?= local/run/faults$(if $(filter managed,$(CLUSTER)),-managed).jsonl

.PHONY: faults
faults: $(BUILT) $(VENV) ## Run the large fault campaign (some hours), or go on with it; FAULTS_TRIALS=1 is a short one
	@$(call IS_FRESH,$(filter $(NATIVE) $(AOT),$(FAULTS_PACKAGE)))
	@$(MVN) -q -pl functions test-compile failsafe:integration-test failsafe:verify $(UNWATCHED) \
	  -Dit.test=FaultCampaign -Dfaults.trials=$(FAULTS_TRIALS) -Dfaults.restarts=$(FAULTS_RESTARTS) \
	  -Dfaults.crowds=$(FAULTS_CROWDS) -Dfaults.atOnce=$(FAULTS_AT_ONCE) -Dfaults.minutes=$(FAULTS_MINUTES) \
	  -Dfaults.package=$(FAULTS_PACKAGE) -Dfaults.file=$(FAULTS_FILE) -Dfaults.cluster=$(CLUSTER) \
	  -Dfaults.kinds='$(FAULTS_KINDS)' -Dfaults.histories='$(FAULTS_HISTORIES)'

# A contender whose artifact isn't there is left out, and the bench says what makes it.
BENCH_ROUNDS ?= 50
BENCH_FILE ?= local/run/bench.json
# Of the version that the function's packages are for: that of .venv.
BENCH_PYTHON ?= .venv/bin/python
# Another package of the functions, by its place: it, the native one and the floor take turns then, and nobody else.
BENCH_OTHER ?=

.PHONY: bench
bench: $(BUILT) $(VENV) $(PYTHON_FUNCTION) ## Measure the functions beside a JVM, an AOT cache, Python and the floor, BENCH_ROUNDS=50 times each
	@$(call IS_FRESH,$(NATIVE) $(if $(BENCH_OTHER),,$(AOT)))
	@if command -v cargo >/dev/null; then cargo build --quiet --release --locked --manifest-path bench/floor/Cargo.toml; fi
	@$(MVN) -q -pl functions test-compile failsafe:integration-test failsafe:verify $(UNWATCHED) \
	  -Dit.test=FunctionsBench -Dbench.rounds=$(BENCH_ROUNDS) -Dbench.file=$(BENCH_FILE) -Dbench.python=$(BENCH_PYTHON) \
	  -Dbench.other='$(BENCH_OTHER)'
	@.venv/bin/python bench/plot.py $(BENCH_FILE)

# With SLUICEWAY_PACKAGING=NATIVE, as it is on AWS; see local/README.md.
BENCH_AIRFLOW_ROUNDS ?= 20
BENCH_AIRFLOW_FILE ?= $(CURDIR)/local/run/bench-airflow.json

.PHONY: bench-airflow
bench-airflow: $(BUILT) $(VENV) $(CDK) data ## Measure where the time goes from Airflow to a job that runs, BENCH_AIRFLOW_ROUNDS=20 times
	@$(call IS_FRESH,$(NATIVE) $(AOT))
	@$(STACK) during env PYTHONPATH=local .venv/bin/python bench/from_airflow.py $(BENCH_AIRFLOW_FILE) \
	  --rounds $(BENCH_AIRFLOW_ROUNDS)

# How many jobs, separated by commas.
BENCH_JOBS ?= 10,100,1000,10000

.PHONY: bench-sweep
bench-sweep: $(BUILT) $(VENV) ## Measure what a sweep of monitor-jobs costs at BENCH_JOBS=10,100,1000,10000 quiet jobs
	@$(MVN) -q -pl functions test-compile failsafe:integration-test failsafe:verify $(UNWATCHED) \
	  -Dit.test=SweepBench -Dbench.jobs='$(BENCH_JOBS)' -Dbench.file=local/run/bench-sweep.json
	@.venv/bin/python bench/cost.py local/run/bench-sweep.json

.PHONY: fuzz
fuzz: ## Fuzz each parser for FUZZ_SECONDS=60 seconds; FUZZ=EventFuzzTest picks by name
	@MAVEN_OPTS="--sun-misc-unsafe-memory-access=allow $${MAVEN_OPTS:-}" FUZZ_SECONDS='$(FUZZ_SECONDS)' FUZZ='$(FUZZ)' local/fuzz

.PHONY: check
check: $(VENV) ## Check format, types and lint, without running a test
	$(MVN) -q test-compile
	.venv/bin/ruff format --check local airflow-dags bench
	.venv/bin/ruff check local airflow-dags bench
	cd bench && ../.venv/bin/mypy
	cd local && ../.venv/bin/mypy
	cd local/managed-flink && ../../.venv/bin/mypy
	cd airflow-dags && ../.venv/bin/mypy

.PHONY: format
format: $(VENV) ## Format all code
	$(MVN) -q spotless:apply
	.venv/bin/ruff check --fix --quiet local airflow-dags bench || true
	.venv/bin/ruff format local airflow-dags bench

# The laptop's own stage is deployed by make up. The others go where the credentials point.
STAGE ?= local
ARTIFACTS ?= ../../functions/target
CDK_RUN = port=$${SLUICEWAY_AWS_PORT:-$$(sed -n 's/^SLUICEWAY_AWS_PORT=//p' local/settings.env)}; \
	  if [ '$(STAGE)' = local ]; then export AWS_ENDPOINT_URL=http://127.0.0.1:$$port; fi; \
	  cd infra/cdk && ../../local/find jdk node_modules/.bin/cdk --context stage='$(STAGE)' --context artifacts='$(ARTIFACTS)'
ON_AWS = @test '$(STAGE)' != local || { echo "Say which stage, for example 'make $@ STAGE=prod'; the laptop's is deployed by 'make up'." >&2; exit 2; }

.PHONY: synth
synth: $(BUILT) $(CDK) ## Synthesize the CloudFormation templates of STAGE=local into infra/cdk/target/cdk.out
	@$(CDK_RUN) synth --quiet

.PHONY: diff
diff: $(BUILT) $(CDK) ## Show what a deployment of STAGE=... would change on AWS
	$(ON_AWS)
	@$(CDK_RUN) diff --all

.PHONY: deploy
deploy: $(BUILT) $(CDK) ## Deploy STAGE=... to AWS; asks before it widens permissions
	$(ON_AWS)
	@$(call IS_FRESH,$(NATIVE) $(AOT))
	@$(CDK_RUN) deploy --all

.PHONY: destroy
destroy: $(CDK) ## Remove STAGE=... from AWS; the ledger and the jobs bucket stay
	$(ON_AWS)
	@$(CDK_RUN) destroy --all

# Packages newer than this day don't exist for the lock, so that it says when it was made and can be made again.
LOCK_DATE ?= $(shell date -u +%Y-%m-%d)

.PHONY: lock
lock: .tools/uv/.installed ## Renew the Python locks; LOCK_DATE=2026-11-20 resolves as of that day
	for name in local/requirements local/uv-requirements bench/python/requirements; do \
	  $(UV) pip compile --quiet --upgrade $$name.in --output-file $$name.lock --universal \
	    --python-version 3.11 --generate-hashes --exclude-newer $(LOCK_DATE)T00:00:00Z \
	    --custom-compile-command 'make lock LOCK_DATE=$(LOCK_DATE)'; \
	done

# --- What the targets above stand on -----------------------------------------------------------------------------------

$(BUILT): $(SOURCES)
	@local/find jdk local/find maven >/dev/null
	@echo 'Building the functions, the example jobs, Flink for the laptop and the CDK app'
	@$(MVN) -q package -Dmaven.test.skip=true -Dspotless.check.skip=true
	@mkdir -p $(@D) && touch $@

.tools/uv/.installed: local/uv-requirements.lock
	@echo 'Installing uv into .tools'
	@rm -rf .tools/uv
	@python=$$(local/find python) && $$python -m venv .tools/uv
	@.tools/uv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV): local/requirements.lock airflow-dags/pyproject.toml .tools/uv/.installed
	@echo 'Installing Airflow, MiniStack and the tools of the tests into .venv'
	@python=$$(local/find python) && $(UV) venv --quiet --allow-existing --no-python-downloads --python "$$python" .venv
	@$(UV) pip sync --quiet --python .venv --require-hashes $<
	@$(UV) pip install --quiet --python .venv --offline --no-deps --no-build-isolation --editable airflow-dags
	@touch $@

$(PYTHON_FUNCTION): bench/python/submit_job.py bench/python/requirements.lock .tools/uv/.installed
	@echo 'Packaging the Python function that submit-job is measured against'
	@rm -rf $(@D) && mkdir -p $(@D)
	@$(UV) pip install --quiet --python .venv --target $(@D) --require-hashes -r bench/python/requirements.lock
	@cp bench/python/submit_job.py $(@D)/
	@.venv/bin/python -m compileall -q --invalidation-mode unchecked-hash $(@D)
	@cd $(@D) && ../../../../.venv/bin/python -m zipfile -c ../function.zip *
	@touch $@

$(CDK): infra/cdk/package-lock.json
	@local/find node >/dev/null
	@echo 'Installing the CDK command line into infra/cdk/node_modules'
	@npm ci --prefix infra/cdk --no-fund --no-audit --loglevel=error --silent
	@touch $@
