# Money Manager. `make help` lists the targets; `make run` and `make test` do everything on a fresh machine.
#
# Sources are found by folder: lib/ becomes libmm.a, fcgi-app/ moneymanager-api, worker/ moneymanager-worker. Each
# program is compiled with its own folder and lib/ on the include path only, so neither can include the other.
# Every file is compiled once per variant: release, asan (unit tests), tsan, fuzz. Objects live in build/<variant>/.
# main.c of each program gets MM_VERSION ("v1.2-3-gabc") as a macro.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory

JOBS ?= $(shell nproc 2>/dev/null || echo 2)
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

# ---- sources -------------------------------------------------------------------------------------------------------

find = $(sort $(shell find $(1) -name '$(2)' 2>/dev/null))
LIB_SRC := $(call find,lib,*.c)
API_SRC := $(call find,fcgi-app,*.c)
WORKER_SRC := $(call find,worker,*.c)
TEST_SRC := $(call find,tests/unit,test_*.c)
TEST_HELPER_SRC := $(filter-out $(TEST_SRC),$(call find,tests/unit,*.c))
FUZZ_SRC := $(call find,tests/fuzz,fuzz_*.c)

MIGRATIONS := $(sort $(wildcard sql/*.sql))
TEMPLATES := $(sort $(wildcard worker/templates/*))
LUA := $(sort $(wildcard lib/service/lua/*.lua))
LIB_GEN := build/gen/migrations.c build/gen/lua_scripts.c
WORKER_GEN := build/gen/mail_templates.c

# ---- flags ---------------------------------------------------------------------------------------------------------

VENDOR := libmariadb hiredis json-c libcurl openssl libsodium libjwt gmime-3.0 libxml-2.0 libpcre2-8 fcgi xlsxwriter pangocairo
VENDOR += $(shell for m in hiredis_ssl libesmtp-1.0; do pkg-config --exists $$m 2>/dev/null && echo $$m; done)
VENDOR_CFLAGS := $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(VENDOR) 2>/dev/null))
VENDOR_LIBS := $(shell pkg-config --libs $(VENDOR) 2>/dev/null) -lesmtp -lpthread -lm
ifneq ($(filter hiredis_ssl,$(VENDOR)),)
VENDOR_CFLAGS += -DHAVE_HIREDIS_SSL
endif

# Cutting a text to its field is what snprintf is there for, so -Wformat-truncation stays out.
WARN := -Wall -Wextra -Wno-missing-field-initializers -Wpedantic -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla \
        -Wwrite-strings -Wno-format-truncation
# _GNU_SOURCE is empty so that a source that defines it too stays quiet.
CPPFLAGS_ALL := -D_GNU_SOURCE= $(VENDOR_CFLAGS) -MMD -MP
CFLAGS_ALL := -std=gnu17 -g $(WARN) -pthread -fno-omit-frame-pointer $(CFLAGS)
BANNED := -include lib/base/banned.h

CC_release := gcc
CFLAGS_release := -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
LDFLAGS_release := -pie -Wl,-z,relro,-z,now
CC_asan := gcc
CFLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
LDFLAGS_asan := -fsanitize=address,undefined
CC_tsan := gcc
CFLAGS_tsan := -O1 -fsanitize=thread -fPIE
LDFLAGS_tsan := -pie -fsanitize=thread
CC_fuzz := clang
# gcc is the compiler that must be quiet; clang knows other warnings.
CFLAGS_fuzz := -Wno-error -Wno-unknown-warning-option -Wno-ignored-attributes -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
LDFLAGS_fuzz := -fsanitize=fuzzer,address,undefined
LDFLAGS_ALL := -Wl,--as-needed -pthread $(LDFLAGS)

# ---- rules per variant ---------------------------------------------------------------------------------------------

# V=1 shows whole command lines.
say = $(if $(V),,@echo '  $(1) $(2)'; )

objects = $(patsubst %.c,build/$(1)/%.o,$(2))

# variant(name)
define variant
.SECONDARY: $$(call objects,$(1),$$(LIB_SRC) $$(API_SRC) $$(WORKER_SRC) $$(LIB_GEN) $$(WORKER_GEN) $$(TEST_SRC) \
            $$(TEST_HELPER_SRC) $$(FUZZ_SRC) tests/fuzz/replay.c)

build/$(1)/fcgi-app/%.o: fcgi-app/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(BANNED) $$(VERSION_FLAG) -Ifcgi-app -Ilib -c -o $$@ $$<
build/$(1)/worker/%.o: worker/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(BANNED) $$(VERSION_FLAG) -Iworker -Ilib -c -o $$@ $$<
build/$(1)/lib/%.o: lib/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(BANNED) -Ilib -c -o $$@ $$<
build/$(1)/build/gen/%.o: build/gen/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) -Ilib -c -o $$@ $$<
build/$(1)/tests/unit/fcgi-app/%.o: tests/unit/fcgi-app/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) -Ifcgi-app -Ilib -Itests/unit -c -o $$@ $$<
build/$(1)/tests/unit/worker/%.o: tests/unit/worker/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) -Iworker -Ilib -Itests/unit -c -o $$@ $$<
build/$(1)/tests/%.o: tests/%.c build/$(1)/flags
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) -Ilib -Itests/unit -c -o $$@ $$<

build/$(1)/libmm.a: $$(call objects,$(1),$$(LIB_SRC) $$(LIB_GEN))
	@rm -f $$@
	$$(call say,AR,$$@)ar rcsD $$@ $$^
# Put in place in one step, since a pool may start a process at any moment.
build/$(1)/moneymanager-api: $$(call objects,$(1),$$(API_SRC)) build/$(1)/libmm.a
	$$(call say,LD,$$@)$$(CC_$(1)) $$(LDFLAGS_$(1)) $$(LDFLAGS_ALL) -o $$@.new $$^ $$(VENDOR_LIBS)
	@mv $$@.new $$@
build/$(1)/moneymanager-worker: $$(call objects,$(1),$$(WORKER_SRC) $$(WORKER_GEN)) build/$(1)/libmm.a
	$$(call say,LD,$$@)$$(CC_$(1)) $$(LDFLAGS_$(1)) $$(LDFLAGS_ALL) -o $$@.new $$^ $$(VENDOR_LIBS)
	@mv $$@.new $$@

# A test program may ask for link flags of its own by a line such as: /* link: -Wl,--wrap=malloc */
$$(patsubst %.c,build/$(1)/%,$$(TEST_SRC)): build/$(1)/%: build/$(1)/%.o $$(call objects,$(1),$$(TEST_HELPER_SRC)) \
                                            build/$(1)/libmm.a
	$$(call say,LD,$$@)$$(CC_$(1)) $$(LDFLAGS_$(1)) $$(LDFLAGS_ALL) -o $$@ $$(filter %.o,$$^) \
	  $$(shell sed -n 's|^/\* link: \(.*\) \*/$$$$|\1|p' $$*.c) build/$(1)/libmm.a -lcmocka $$(VENDOR_LIBS)
$$(filter build/$(1)/tests/unit/fcgi-app/%,$$(patsubst %.c,build/$(1)/%,$$(TEST_SRC))): \
  $$(call objects,$(1),$$(filter-out fcgi-app/main.c,$$(API_SRC)))
$$(filter build/$(1)/tests/unit/worker/%,$$(patsubst %.c,build/$(1)/%,$$(TEST_SRC))): \
  $$(call objects,$(1),$$(filter-out worker/main.c,$$(WORKER_SRC)) $$(WORKER_GEN))

# Objects are remade when the compiler or its flags change.
build/$(1)/flags: FORCE
	@mkdir -p $$(@D)
	@scripts/write-if-changed.sh $$@ <<< '$$(CC_$(1)) $$(CPPFLAGS_ALL) $$(CFLAGS_ALL) $$(CFLAGS_$(1)) $$(LDFLAGS_$(1))'
endef
$(foreach v,release asan tsan fuzz,$(eval $(call variant,$(v))))

build/%/fcgi-app/main.o build/%/worker/main.o: VERSION_FLAG = -DMM_VERSION='"$(VERSION)"'
$(foreach v,release asan tsan fuzz,build/$(v)/fcgi-app/main.o build/$(v)/worker/main.o): build/gen/version
build/gen/version: FORCE
	@mkdir -p $(@D)
	@scripts/write-if-changed.sh $@ <<< '$(VERSION)'

# Fuzzers link the web program's objects too, since the parsers of requests live there.
build/fuzz/%.fuzzer: build/fuzz/tests/fuzz/%.o $(call objects,fuzz,$(filter-out fcgi-app/main.c,$(API_SRC))) build/fuzz/libmm.a
	$(call say,LD,$@)$(CC_fuzz) $(LDFLAGS_fuzz) $(LDFLAGS_ALL) -o $@ $^ $(VENDOR_LIBS)
# The same over their corpus only, with the compiler of everything else: part of the unit tests.
build/asan/tests/fuzz/%.replay: build/asan/tests/fuzz/%.o build/asan/tests/fuzz/replay.o \
                                $(call objects,asan,$(filter-out fcgi-app/main.c,$(API_SRC))) build/asan/libmm.a
	$(call say,LD,$@)$(CC_asan) $(LDFLAGS_asan) $(LDFLAGS_ALL) -o $@ $^ $(VENDOR_LIBS)
build/fuzz/tests/fuzz/%.o build/asan/tests/fuzz/%.o: CFLAGS_ALL += -Ifcgi-app

# ---- generated sources: a list file notices added and removed inputs -------------------------------------------------

build/gen/migrations.c: SYMBOL = migration_files
build/gen/migrations.c: INPUT = $(MIGRATIONS)
build/gen/migrations.c: $(MIGRATIONS)
build/gen/lua_scripts.c: SYMBOL = lua_scripts
build/gen/lua_scripts.c: INPUT = $(LUA)
build/gen/lua_scripts.c: $(LUA)
build/gen/mail_templates.c: SYMBOL = mail_template_files
build/gen/mail_templates.c: INPUT = $(TEMPLATES)
build/gen/mail_templates.c: $(TEMPLATES)
build/gen/%.c: build/gen/%.list scripts/embed.sh
	@scripts/embed.sh $@ $(SYMBOL) $(INPUT)
build/gen/migrations.list: INPUT = $(MIGRATIONS)
build/gen/lua_scripts.list: INPUT = $(LUA)
build/gen/mail_templates.list: INPUT = $(TEMPLATES)
# Kept between runs: they would be intermediate files otherwise.
.SECONDARY: build/gen/migrations.list build/gen/lua_scripts.list build/gen/mail_templates.list
build/gen/%.list: FORCE
	@mkdir -p $(@D)
	@scripts/write-if-changed.sh $@ <<< '$(INPUT)'

.PRECIOUS: build/gen/%.list
.PHONY: FORCE
FORCE:

# ---- what people type ------------------------------------------------------------------------------------------------

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run up down demo
run: ## start everything, print addresses and a demo login, stop at Ctrl-C (PORT=8080)
	@scripts/install.sh run
	@$(MAKE) build
	@exec build/venv/bin/python local/stack.py run .local --demo $(if $(PORT),--port $(PORT))
up: ## the same in the background; returns when the API answers
	@scripts/install.sh run
	@$(MAKE) build
	@build/venv/bin/python local/stack.py up .local --demo $(if $(PORT),--port $(PORT))
down: ## stop what `make run` or `make up` started
	@[ ! -d .local ] || build/venv/bin/python local/stack.py down .local
demo: ## the main job with curl against the running stack
	@local/demo.sh .local

.PHONY: build programs
build: ## compile both programs into build/release (needs the packages; make run installs them)
	@mkdir -p build && flock build/.lock $(MAKE) -j$(JOBS) programs
programs: $(if $(API_SRC),build/release/moneymanager-api) $(if $(WORKER_SRC),build/release/moneymanager-worker) \
          build/release/libmm.a
	@:

VARIANT ?= asan
UNITS = $(TEST_SRC:.c=) $(if $(filter asan,$(VARIANT)),$(FUZZ_SRC:.c=.replay))
CHOSEN = $(foreach t,$(UNITS),$(if $(ONLY),$(if $(findstring $(ONLY),$(t)),$(t)),$(t)))

.PHONY: unit unit-programs
unit: ## unit tests under ASan and UBSan (ONLY=text picks programs by name; VARIANT=tsan for TSan)
	@mkdir -p build && flock build/.lock $(MAKE) -j$(JOBS) unit-programs
	@scripts/unit.sh build/$(VARIANT) $(CHOSEN)
unit-programs: $(addprefix build/$(VARIANT)/,$(CHOSEN))
	@:

.PHONY: test faults test-compose
test: ## unit tests and API tests on a stack of their own (TESTS=tests/api/test_jars.py for some)
	@scripts/install.sh run test
	@scripts/test.sh api $(TESTS)
faults: ## a load under kills, freezes and bad lines, then the checker: SEED=1 SECONDS=600 (TESTS=tests/faults/... for some of the fault tests)
	@scripts/install.sh run test
ifdef TESTS
	@scripts/test.sh faults $(TESTS)
else
	@$(MAKE) build
	@build/venv/bin/python tests/faults/faults.py $(if $(SEED),--seed $(SEED)) $(if $(SECONDS),--seconds $(SECONDS))
endif
.PHONY: failover
failover: ## the primary of MySQL, then of Redis goes away under load: a table of what clients saw
	@scripts/install.sh run test
	@$(MAKE) build
	@build/venv/bin/python tests/faults/failover.py
.PHONY: tsan valgrind
tsan: ## all unit tests and a stack under load with ThreadSanitizer
	@scripts/install.sh run test
	@$(MAKE) build
	@$(MAKE) unit VARIANT=tsan
	@build/venv/bin/python -m pytest -q -c tests/faults/pytest.ini tests/faults/test_threads.py
valgrind: ## both programs under valgrind, from their start through faults to their stop
	@scripts/install.sh run test valgrind
	@$(MAKE) build
	@build/venv/bin/python -m pytest -q -c tests/faults/pytest.ini tests/faults/valgrind.py
test-compose: ## build the images and run the demo on docker-compose, where a Docker engine answers
	@scripts/test-compose.sh

.PHONY: backup restore
ENV ?= .local/env
TO ?= .local/backups
backup: ## a consistent copy of the database: ENV=.local/env (or /app/.env) TO=.local/backups
	@scripts/backup.sh $(ENV) $(TO)
restore: ## brings one back and checks it, the programs stopped: FROM=.local/backups/... ENV=.local/env FORCE=1 when it is not empty
	@FORCE=$(FORCE) scripts/restore.sh $(ENV) $(FROM)

.PHONY: lint tidy format
lint: ## format, shell, YAML, Python, include order, nginx and compose files
	@scripts/install.sh run test lint
	@scripts/lint.sh
tidy: ## clang-tidy over the C sources (slow)
	@scripts/install.sh run test fuzz
	@printf '%s\n' $(LIB_SRC) $(API_SRC) $(WORKER_SRC) | xargs -P $(JOBS) -n 8 clang-tidy --quiet -- \
	  -D_GNU_SOURCE= $(VENDOR_CFLAGS) -DMM_VERSION='""' -std=gnu17 -Ilib -Ifcgi-app -Iworker
format: ## lay out the C sources
	@scripts/install.sh run
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs -r build/venv/bin/clang-format -i
	@build/venv/bin/ruff format -q local tests

.PHONY: bench fuzz fuzzers image
bench: ## throughput and latency beside their floors, memory of the API tier
	@scripts/install.sh run bench
	@$(MAKE) build
	@bench/run.sh
fuzz: ## each parser's fuzzer for FUZZ_SECONDS (20), two at a time
	@scripts/install.sh run fuzz
	@mkdir -p build && flock build/.lock $(MAKE) -j$(JOBS) fuzzers
	@scripts/fuzz.sh $(FUZZ_SRC)
fuzzers: $(patsubst tests/fuzz/%.c,build/fuzz/%.fuzzer,$(FUZZ_SRC))
image: ## build both container images
	docker build -f docker/Dockerfile --build-arg VERSION=$(VERSION) --target api -t moneymanager-api:$(VERSION) -t moneymanager-api .
	docker build -f docker/Dockerfile --build-arg VERSION=$(VERSION) --target worker -t moneymanager-worker:$(VERSION) -t moneymanager-worker .

.PHONY: clean
clean: ## remove what was built (not .local, not the virtual environment)
	rm -rf build/release build/asan build/tsan build/fuzz build/gen

-include $(call find,build/release build/asan build/tsan build/fuzz,*.d)
