# make help     lists these targets (make alone does, too)
# make run      runs the whole of storehooks on this machine (PORT, TLS_PORT, DATA_DIR, ...)
# make test     runs the tests that you need while working: units, flows, adapters, the template, the main paths of the local stack
# make test-all runs every test: also builds, deployments, the local stack's own life, clients, browsers, upgrades
# make upgrade-test  upgrades stacks of earlier releases in place (two minutes)
# make format   formats the code, and repairs what Ruff can repair
# make lint     runs linters and type checks, looks for secrets, and checks how hard docs and docstrings are to read
# make bench    measures speed and cost, and writes docs/performance.md (minutes; MODULES for a part)
# make peers    measures the local stack beside two Django packages that send webhooks (15 minutes; PostgreSQL, Redis)
# make fuzz     tries made-up requests of docs/openapi.yaml against the local stack (FUZZ_SECONDS)
# make openapi  writes docs/openapi.yaml and docs/hooks.schema.json
# make mutants  changes the code of the domain in each place, and lists what no unit test notices (minutes)
# make audit    looks up known vulnerabilities of all pinned packages (asks PyPI)
# make checkov  checks the template by checkov's rules (a minute for its installation)
# make invoke   runs one function in AWS's runtime interface emulator (FUNCTION, EVENT)
# make deploy   checks, builds and deploys to AWS (STACK_NAME, PARAMETERS, FORCE=1, ...)
# make lock     pins the newest versions of all dependencies
# make clean    removes the environments and builds; the local stack's data stays

SHELL := /bin/sh
PYTHON ?= python3.13
PORT ?= 3000
TLS_PORT ?= 3443
DATA_DIR ?= .local
ALLOW_PRIVATE_DESTINATIONS ?= true
RETRY_SCHEDULE ?= 60,180,300,600,900,1800,3600,7200,21600,50400,86400
DELIVERY_TIMEOUT_SECONDS ?= 10
ALLOWED_HOSTS ?=
FUZZ_SECONDS ?= 600
STACK_NAME ?= storehooks
ARCHITECTURE ?= arm64
EVENT ?= events/$(FUNCTION).json

# SAM looks for python3.13 and for its own neighbours on PATH.
export SAM_CLI_TELEMETRY := 0
# Without bytecode each of some hundred processes would compile the package anew, where this is set.
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/.venv/bin:$(PATH)

DEV := .venv/.installed
AWS := .venv-aws/.installed
SAM := .venv-sam/.installed
MUTANTS := .venv-mutants/.installed
AUDIT := .venv-audit/.installed
CHECKOV := .venv-checkov/.installed
CLIENTS := .venv-clients/.installed
SENDERS := .venv-senders/.installed
PEERS := .venv-peers/.installed
BOTOCORES := .venv-botocore-oldest/.installed .venv-botocore-newest/.installed

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint upgrade-test bench peers fuzz openapi mutants audit checkov format invoke deploy lock install environments clean lint-types lint-secrets lint-template lint-sam lint-code lint-prose

help:
	@sed -n 's/^# make /make /p' Makefile

run: install
	@exec .venv/bin/storehooks local --port "$(PORT)" --tls-port "$(TLS_PORT)" --data-dir "$(DATA_DIR)" \
		--allow-private-destinations "$(ALLOW_PRIVATE_DESTINATIONS)" \
		--retry-schedule "$(RETRY_SCHEDULE)" --delivery-timeout-seconds "$(DELIVERY_TIMEOUT_SECONDS)" \
		--allowed-hosts "$(ALLOWED_HOSTS)"

PYTEST := .venv/bin/pytest -n 3 --dist loadfile --no-loadscope-reorder

# Upgrades first: they wait most, and beside them there is work for the other processors.
SECOND_RING := $(addprefix tests/,upgrade e2e integration contract flows template unit)

test: install
	@exec $(PYTEST) -m "not toolchain" $(PYTEST_ARGS)

test-all: test
	@$(MAKE) --no-print-directory --jobs=3 $(BOTOCORES) $(CLIENTS)
	@exec $(PYTEST) -m toolchain $(PYTEST_ARGS) $(SECOND_RING)

upgrade-test: install
	@exec .venv/bin/pytest tests/upgrade

LINTERS := lint-types lint-secrets lint-template lint-sam lint-code lint-prose
# Each prints what it has to say at its end; the make of macOS is too old for that.
OUTPUT_SYNC := $(addprefix --,$(filter output-sync,$(.FEATURES)))

# Two at a time, the longest first.
lint: install
	@$(MAKE) --no-print-directory --jobs=2 $(OUTPUT_SYNC) $(LINTERS)

lint-code:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

lint-types:
	.venv/bin/mypy

lint-template:
	.venv/bin/cfn-lint template.yaml

lint-sam:
	.venv-sam/bin/sam validate --lint --template template.yaml --region us-east-1

lint-prose:
	.venv/bin/python -m tests.readability

lint-secrets:
	@# An example that looks like a secret goes into tests/known_examples.py; a comment beside it does not help.
	git ls-files -z | xargs -0 -n 100 -P 2 .venv/bin/detect-secrets-hook --no-verify --baseline .secrets.baseline

bench: install $(SENDERS)
	@exec .venv/bin/python -m benchmarks $(MODULES)

# As root it makes PostgreSQL run as its own user.
peers: install $(PEERS)
	@exec .venv/bin/python -m benchmarks.beside $(SYSTEMS)

openapi: install
	.venv/bin/python -m storehooks_cli.openapi

fuzz: install
	@FUZZ_SECONDS="$(FUZZ_SECONDS)" exec .venv/bin/pytest -s tests/e2e/test_conformance.py

# Beside a copy of the package and its tests: the tester writes each change into the copy.
mutants: $(MUTANTS)
	rm -rf .build/mutants && mkdir -p .build/mutants/src
	cp -r layers/shared/storehooks .build/mutants/src/ && cp -r tests .build/mutants/
	cp tests/mutmut.toml .build/mutants/pyproject.toml
	cd .build/mutants && ../../.venv-mutants/bin/mutmut run && ../../.venv-mutants/bin/mutmut results

audit: install $(AUDIT)
	@exec .venv/bin/python -m storehooks_cli.audit

checkov: $(CHECKOV)
	@exec .venv-checkov/bin/checkov --config-file .checkov.yaml

format: install
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

invoke: install
	@test -n "$(FUNCTION)" || { echo "name a function: make invoke FUNCTION=create_hook" >&2; exit 2; }
	@exec .venv/bin/storehooks invoke "$(FUNCTION)" --event "$(EVENT)" --data-dir "$(DATA_DIR)"

deploy: install
	@.venv/bin/python -m storehooks_cli.predeploy $(if $(filter 1,$(FORCE)),--force) "$(STACK_NAME)" $(PARAMETERS)
	.venv-sam/bin/sam build --template template.yaml --build-dir .build/aws
	@exec .venv-sam/bin/sam deploy --template-file .build/aws/template.yaml --stack-name "$(STACK_NAME)" \
		--capabilities CAPABILITY_IAM --resolve-s3 --no-fail-on-empty-changeset \
		--parameter-overrides Architecture="$(ARCHITECTURE)" $(PARAMETERS)

# At the same time: most of it is waiting for downloads and unpacking.
install:
	@$(MAKE) --no-print-directory --jobs=3 environments

environments: $(DEV) $(AWS) $(SAM)
	@:

$(DEV): requirements/dev.txt pyproject.toml
$(AWS): requirements/aws.txt
$(SAM): requirements/sam.txt
$(MUTANTS): requirements/mutants.txt
$(AUDIT): requirements/audit.txt
$(CHECKOV): requirements/checkov.txt
$(CLIENTS): requirements/clients.txt
$(SENDERS): requirements/senders.txt
$(PEERS): requirements/peers.txt
$(BOTOCORES): .venv-%/.installed: requirements/%.txt
$(DEV) $(AWS) $(SAM) $(MUTANTS) $(AUDIT) $(CHECKOV) $(CLIENTS) $(SENDERS) $(PEERS) $(BOTOCORES):
	@PYTHON="$(PYTHON)" exec ./cli/install "$(@D)" "$<"

lock: install
	for file in layers/shared/requirements requirements/dev requirements/aws requirements/sam requirements/mutants requirements/audit requirements/checkov requirements/clients requirements/senders requirements/peers requirements/botocore-oldest requirements/botocore-newest; do \
		.venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.13 --generate-hashes \
			--no-header --no-annotate "$$file.in" -o "$$file.txt" || exit 1; \
	done

clean:
	rm -rf .venv .venv-aws .venv-sam .venv-mutants .venv-audit .venv-checkov .venv-clients .venv-senders .venv-peers .venv-botocore-oldest .venv-botocore-newest .build .aws-sam
