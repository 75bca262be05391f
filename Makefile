# The commands of a developer; `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test torture mutate bench profile lint audit lock messages smoke rehearse secrets clean

# The first Python on this machine that is new enough; PYTHON= names another.
find_python = for python in python3 python3.14 python3.13 python3.12; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null; \
	then echo $$python; break; fi; done
PYTHON ?= $(or $(shell $(find_python)),python3)
VENV := .venv/bin/python
# XRAY comes from the environment or the command line, which make exports by itself: exported here it would be empty.
export PORT STOCK WITHOUT

help: ## list the targets
	@sed -n 's/^\([a-z]*\): ## /  make \1\t/p' Makefile | expand -t 16

run: ## start the site on http://localhost:8000 (PORT= moves it; WITHOUT=pagecache: one optimization off; STOCK=1: all), Ctrl-C stops it
	@$(PYTHON) deploy/local/bootstrap.py requirements-local.txt memcached
	@$(VENV) -m deploy.local

test: ## run the tests against PostgreSQL, memcached, nginx and Chromium (ARGS= goes to pytest)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt memcached nginx chromium chromium-headless-shell valgrind wrk prometheus
	@$(VENV) -m pytest -n 2 --dist worksteal $(ARGS)

torture: ## run the long tests: each fault of the queue a hundred times, and more (half an hour)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt memcached nginx
	@TORTURE=1 $(VENV) -m pytest -n 2 --dist worksteal --timeout 3600 -o faulthandler_timeout=3500 apps/commandqueue/tests/test_smtp_faults.py \
		apps/commandqueue/tests/test_crashes.py apps/commandqueue/tests/test_batches.py \
		apps/commandqueue/tests/test_horizon.py apps/commandqueue/tests/test_controls.py \
		apps/commandqueue/tests/test_size.py tests/edge/test_edge_staleness.py \
		tests/invalidation/test_page_staleness.py tests/invalidation/test_every_interleaving.py \
		tests/invalidation/test_marked_page_interleavings.py \
		tests/privacy/test_under_load.py apps/lookaside/tests/test_marked_interleavings.py \
		apps/dbpool/tests/test_outages.py apps/dbpool/tests/test_stress.py tests/faults/test_recovery.py \
		bench/tests/test_stale.py \
		tests/operations/test_lifting.py apps/feeds/tests/test_walks.py \
		tests/attack/test_authorization.py tests/attack/test_floods.py $(ARGS)

mutate: ## break a copy of the code in a hundred ways; the tests must fail each time (ARGS= chooses)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt memcached
	@$(VENV) -m tests.support.mutate $(ARGS)

bench: ## measure stock Django and each optimization, on and off (15 minutes; SIZE=full an hour; SUBJECT=timelines measures one part, LIST=1 lists them; PUBLISH=1 into docs/results/)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt $(if $(LIST),,memcached nginx wrk valgrind)
	@$(VENV) -m bench $(if $(LIST),,$(or $(SUBJECT),ladder) $(if $(SIZE),--size $(SIZE)) $(ARGS) $(if $(PUBLISH),--publish))

profile: ## count the instructions of a page by part, and draw flame graphs: PAGE=/everyone/
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt memcached valgrind
	@$(VENV) -m bench.profile "$(or $(PAGE),/)"

lint: export DEBUG = true
lint: ## check style, types, layers, templates and migrations
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt
	@$(VENV) -m ruff check --quiet .
	@$(VENV) -m ruff format --quiet --check .
	@$(VENV) -m mypy .
	@$(VENV) .venv/bin/lint-imports --no-logo
	@$(VENV) -m djlint --quiet --check --lint templates
	@$(VENV) manage.py check
	@$(VENV) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

audit: ## look for faults by bandit, semgrep and gixy, and for known ones of the requirements (exit status of deploy.audit: 3 not checked)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt nginx
	@$(VENV) -m deploy.audit

messages: ## extract what is to be translated into locale/*.po, and compile these
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt
	@$(VENV) -m deploy.local.messages

smoke: ## clone this commit, start the site, and sign up and publish in a browser
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt memcached chromium
	@$(VENV) -m tests.smoke

rehearse: ## bring docker-compose.yml up, kill, back up, lose, restore and upgrade it (about eight minutes)
	@$(PYTHON) -m deploy.rehearse

secrets: ## create the passwords for docker-compose.yml in secrets/
	@deploy/make-secrets

lock: ## pin the requirements*.in with hashes, and the public images by the digests of their registries (RENEW=1: the newest of all)
	@$(PYTHON) deploy/local/bootstrap.py requirements-dev.txt
	@for name in requirements requirements-local requirements-dev; do \
		$(VENV) -m uv pip compile --quiet --universal --python-version 3.12 --generate-hashes \
			$(if $(RENEW),--upgrade) --no-header $$name.in -o $$name.txt || exit 1; done
	@$(VENV) -m uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header \
		$(if $(RENEW),--upgrade) --only-binary :all: requirements-audit.in -o requirements-audit.txt
	@$(if $(RENEW),date -u +%F >requirements.renewed)
	@$(VENV) -m deploy.images

clean: ## remove .venv and caches; your site's data in var/ stays
	@rm -rf .venv .venv-audit .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
	@echo "Removed .venv and caches. var/ (the local site's data) is left: delete it yourself to start over."
