# quay: the data layer of a container registry, as a PostgreSQL extension. `make help` lists the targets.

EXTENSION   = quay
EXTVERSION := $(shell sed -n "s/^default_version = '\(.*\)'/\1/p" quay_ext.control)

.DEFAULT_GOAL = all
goals := $(or $(MAKECMDGOALS),all)
own   := help deps check check-regress check-isolation check-pgtap check-tap check-upgrade check-fuzz check-valgrind lint coverage \
         bench demo dev-db dev-db-stop doc freeze dist migration migration-diff

.PHONY: $(own)

# --- Build and installation: PGXS. Left out where it is not needed, since `make deps` may have to install it first.
ifneq ($(filter-out $(own),$(goals)),)

MODULE_big  = quay
OBJS        = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
DATA_built  = $(shell perl sql/assemble list)
REGRESS     = $(sort $(basename $(notdir $(wildcard test/sql/*.sql))))

# No -fvisibility=hidden: before PostgreSQL 16 PG_FUNCTION_INFO_V1 does not export the function. Our symbols have a prefix instead (lint).
PG_CPPFLAGS = -I$(srcdir)/src -DQUAY_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -std=gnu99 -Wall -Wextra -Werror=implicit-function-declaration -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers \
              -Wno-declaration-after-statement $(DEV_CFLAGS)
SHLIB_LINK  = -lcrypto -lcrypt $(DEV_LINK)
EXTRA_CLEAN = quay.control src/migration_steps.h $(DATA_built) $(OBJS:.o=.d)

# The checks build with DEV=1: every warning is an error, and assertions of our own code are on, against a stock server.
ifdef DEV
DEV_CFLAGS += -Werror -DUSE_ASSERT_CHECKING
endif
ifdef COVERAGE
DEV_CFLAGS += -O0 --coverage -U_FORTIFY_SOURCE
DEV_LINK   += --coverage
endif

# For installcheck: inputs are in test/sql, outputs in expected.
REGRESS_OPTS = --inputdir=test $(if $(filter-out 10 11 12 13 14 15,$(MAJORVERSION)),--expecteddir=.) \
               $(foreach e,pg_trgm pgtap,$(if $(wildcard $(datadir)/extension/$(e).control),--load-extension=$(e))) --load-extension=quay

PG_CONFIG  ?= pg_config
PGXS       := $(shell $(PG_CONFIG) --pgxs)
# No bitcode: nothing of ours is inlined into queries, and it doubles the build.
override with_llvm = no
include $(PGXS)

# PGXS tracks neither headers nor flags.
$(OBJS): Makefile quay_ext.control
override CFLAGS += -MMD -MP
-include $(OBJS:.o=.d)

# What the steps say about themselves is known to the library.
src/version.o: src/migration_steps.h
src/migration_steps.h: sql/assemble sql/manifest $(shell find sql -name '*.sql') sql/migrations/notes quay_ext.control
	perl sql/assemble steps > $@.new
	mv $@.new $@

# A control file's name is the extension's name.
quay.control: quay_ext.control
	cp $< $@

$(DATA_built) &: sql/assemble sql/manifest sql/head.sql $(shell find sql -name '*.sql') quay_ext.control
	perl sql/assemble write .

# The settings of the throw-away cluster of `make check`.
installcheck: export PGOPTIONS = -c quay.database_secret_key=anothercrazykey! -c quay.bcrypt_cost=4

endif

# --- Everything else works in folders of its own and leaves the system's PostgreSQL alone.

check     = test/tools/check $(CHECK_OPTS)
TESTS    ?= *
wanted    = $(foreach t,$(TESTS),'$(1):$(t)')

help:
	@echo 'quay $(EXTVERSION)'
	@echo
	@echo '  make demo            pushes and pulls a real image, start here; IMAGE=path takes an OCI layout or a docker save archive'
	@echo '  make dev-db          starts a private server with the extension: postgresql://quay:quay@localhost:5432/quay'
	@echo '  make dev-db-stop     stops it'
	@echo '  make deps            installs what is missing (Debian, as root), or says what is'
	@echo
	@echo '  make                 builds'
	@echo '  make install         installs into the PostgreSQL of PG_CONFIG; then CREATE EXTENSION quay'
	@echo '  make installcheck    runs the regression tests in a running server with the extension installed'
	@echo
	@echo '  make check           builds and runs all tests in a throw-away cluster'
	@echo '  make check-regress   only these: also check-isolation, check-pgtap, check-tap, check-upgrade, check-fuzz, lint.'
	@echo '                       TESTS="tag* blob" selects by name, CHECK_OPTS="--work DIR --accept" see test/tools/check'
	@echo '  make check-valgrind  some regression tests with the server under valgrind'
	@echo '  make coverage        all tests, then which lines of src/ they ran, in coverage/'
	@echo '  make bench           what calls cost, beside what they replace'
	@echo '  make doc             writes doc/reference.md, settings.md and schema.svg anew, from the catalog'
	@echo
	@echo '  make migration NAME="add a colour to tags"'
	@echo '                       begins a migration: up.sql and down.sql, and the next version if this one was released'
	@echo '  make migration-diff  a draft of both: what the schema has that the last release has not, and the reverse'
	@echo '  make freeze          before a release: records the scripts of this version in sql/frozen'
	@echo '  make dist            dist/quay-$(EXTVERSION).zip and .tar.gz of the last commit'

deps:
	@test/tools/deps build check demo

check-regress check-isolation check-pgtap check-tap: check-%:
	@$(check) $(call wanted,$*)

check-upgrade:
	@$(check) 'tap:*dump*' 'tap:*upgrade*' 'tap:*migration*' 'tap:*detour*'

check-fuzz:
	@$(check) fuzz

lint:
	@$(check) lint

check-valgrind:
	@test/tools/deps build check valgrind
	@$(check) --valgrind $(if $(filter *,$(TESTS)),'regress:access' 'regress:manifest*' 'regress:tag' 'regress:upload',$(call wanted,regress))

coverage:
	@test/tools/deps build check coverage
	@$(check) --coverage

bench:
	@test/tools/deps build bench
	@test/tools/bench

demo:
	@test/tools/deps build demo
	@test/tools/demo $(if $(IMAGE),'$(IMAGE)')

dev-db:
	@test/tools/dev-db start

dev-db-stop:
	@test/tools/dev-db stop

doc:
	@test/tools/deps build doc
	@test/tools/dev-db start
	@PSQL='test/tools/dev-db psql' test/tools/doc doc

# NAME comes from whoever types it, so the shell gets it as a variable and not as text.
migration: export NAME := $(NAME)
migration:
	@perl sql/assemble new "$$NAME"

migration-diff:
	@test/tools/deps build
	@test/tools/migration-diff

freeze:
	perl sql/assemble freeze

dist:
	@mkdir -p dist
	git archive --format=zip --prefix=quay-$(EXTVERSION)/ -o dist/quay-$(EXTVERSION).zip HEAD
	git archive --format=tar.gz --prefix=quay-$(EXTVERSION)/ -o dist/quay-$(EXTVERSION).tar.gz HEAD

# PGXS has a target of that name too, which only says that there is none.
ifneq ($(filter check,$(goals)),)
check:
	@test/tools/deps build check
	@$(check)
endif
