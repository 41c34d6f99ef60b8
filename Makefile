# One Makefile, no recursion; everything built goes under build/.
#
# OUT is where objects and programs go: build/ for the real thing; `make faults` builds
# the same tree into build/faults with named crash points in it, for the tests.
OUT      ?= build
CC       ?= gcc
OBJCOPY  ?= objcopy
CFLAGS   ?= -O2 -g
VERSION  := 0.1.0
SONAME   := libtidemark.so.0
PREFIX   ?= /usr/local
WARNINGS := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wconversion -Wvla -Wwrite-strings -Wundef \
            -Wno-unknown-warning-option -Wno-format-truncation

PACKAGES := libpq sqlite3 jansson libuv libsystemd
DEPS     := build-essential pkg-config libpq-dev libsqlite3-dev libjansson-dev libuv1-dev libinih-dev \
            libsystemd-dev libcmocka-dev postgresql-15 postgresql-client-15 pgbouncer sqlite3 \
            python3 python3-pytest python3-pytest-xdist python3-psycopg2 python3-sqlalchemy python3-django clang-format clang-tidy faketime

CPPFLAGS += -I. -I$(OUT)/gen -D_GNU_SOURCE -DTIDEMARK_VERSION='"$(VERSION)"' \
            $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null | tr ' ' '\n' | sed -n 's/^-I/-isystem /p')
COMPILE   = $(CC) -std=gnu17 $(WARNINGS) $(CPPFLAGS) $(CFLAGS) $(SANITIZE) $(FAULTS) -fPIC -pthread -MMD -MP
LIBS      = -linih -lsystemd -luv -lpq -ljansson -lsqlite3 -lm -pthread

SOURCES      := $(wildcard lib/*/*.c daemon/*.c daemon/*/*.c)
LIBRARY      := $(wildcard lib/*/*.c)
PROGRAM_MAINS := daemon/main.c daemon/cli/main.c
SHARED       := $(filter-out $(PROGRAM_MAINS),$(SOURCES))
WRITER       := tests/support/writer.c
SUPPORT      := $(filter-out $(WRITER),$(wildcard tests/support/*.c))
UNIT_TESTS   := $(patsubst tests/%.c,$(OUT)/tests/%,$(wildcard tests/unit/test_*.c))
SQL_FILES    := $(wildcard lib/*/*.sql daemon/*/*.sql)
SQL_HEADERS  := $(patsubst %.sql,$(OUT)/gen/%.sql.h,$(notdir $(SQL_FILES)))
MIGRATIONS   := $(OUT)/gen/cache_migrations.h $(OUT)/gen/primary_migrations.h
HEADERS      := $(wildcard lib/*.h lib/*/*.h daemon/*.h daemon/*/*.h tests/support/*.h)
objects       = $(patsubst %.c,$(OUT)/%.o,$(1))

all: programs library ## Build the two programs and the library into build/
programs: $(OUT)/tidemarkd $(OUT)/tidemark
library: $(OUT)/libtidemark.so $(OUT)/libtidemark.a $(OUT)/tidemark.pc

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-18s %s\n", $$1, $$2}' Makefile

deps: ## Install what is missing with apt (as root or through sudo), or print the list
	@tests/support/install_deps.sh $(DEPS)

deps-check:
	@tests/support/install_deps.sh --quiet $(DEPS)

demo: deps-check ## A real PostgreSQL mirrored into an SQLite file, in about a minute
	@$(MAKE) --no-print-directory -j2 all
	@/usr/bin/python3 -B demo/demo.py

test: deps-check ## Everything that a change must pass
	@$(MAKE) --no-print-directory -j2 all faults unit-tests
	@$(MAKE) --no-print-directory lint check check-integration

check: $(UNIT_TESTS) ## Run the unit tests
	@set -e; for test in $(UNIT_TESTS); do $$test; done

unit-tests: $(UNIT_TESTS)

check-integration: all faults $(OUT)/tests/writer $(OUT)/tests/campaigns/autogenerate_once ## Run the tests against a real PostgreSQL
	/usr/bin/python3 -B -m pytest -q -p no:cacheprovider -n auto --maxprocesses 4 tests/integration $(PYTEST)

campaign: campaign-storm campaign-write campaign-mutants ## What make test does of the write path, in full: an hour

campaign-storm: all faults ## Play 500 random histories (SEEDS=n), 100 of them beside running daemons
	TIDEMARK_STORM_SECONDS=0 TIDEMARK_STORM_SEEDS=$(or $(SEEDS),500) \
	/usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider tests/integration/test_storm.py

campaign-write: all faults $(OUT)/tests/writer ## Cut, kill and crash the write path as often as it was promised
	TIDEMARK_CUT_POINTS=600 TIDEMARK_PUSH_KILLS=200 TIDEMARK_CHANGES=20000 TIDEMARK_CUTS=50 TIDEMARK_CRASHES=50 \
	/usr/bin/python3 -B -m pytest -q -s -p no:cacheprovider tests/integration/test_exactly_once.py \
	    tests/integration/test_nothing_lost.py

campaign-mutants: ## Break the program on purpose and demand that the tests see it (MUTANT=name)
	/usr/bin/python3 -B tests/campaigns/mutants.py $(MUTANT)

faults: ## Build the programs with named crash points into build/faults
	@$(MAKE) --no-print-directory OUT=build/faults FAULTS=-DTIDEMARK_FAULT_POINTS programs

lint: check-headers all ## Layers, cycles, sizes, leftovers, format, headers, the README's settings
	tests/lint/check_layers.sh
	tests/lint/check_cycles.sh
	tests/lint/check_sizes.sh
	tests/lint/check_units.sh
	tests/lint/check_readme.sh
	tests/lint/check_exports.sh $(OUT)
	tests/lint/check_unused.sh $(OUT)
	/usr/bin/python3 -B tests/campaigns/mutants.py --check
	@clang-format --dry-run -Werror $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.c tests/support/*.c tests/campaigns/*.c)

tidy: $(SQL_HEADERS) $(MIGRATIONS) ## Run clang-tidy over everything
	clang-tidy --quiet $(SOURCES) -- -std=gnu17 $(CPPFLAGS)

format: ## Rewrite the sources in the house layout
	clang-format -i $(SOURCES) $(HEADERS) $(wildcard tests/unit/*.c tests/support/*.c tests/campaigns/*.c)

check-headers: $(HEADERS:%=$(OUT)/%.ok)

asan: ## Run the unit tests under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory OUT=build/asan SANITIZE='-fsanitize=address,undefined -Wno-format-overflow' check

campaign-autogenerate: all $(OUT)/tests/campaigns/autogenerate_once ## Prove autogenerate on 500 random pairs of schemas
	/usr/bin/python3 -B tests/campaigns/autogenerate_pairs.py $(PAIRS)

bench: all ## Measure against yardsticks in the same run
	/usr/bin/python3 -B tests/bench/bench.py

man: programs ## Make the man pages in build/man, out of what header and programs say
	/usr/bin/python3 -B man/make_man.py $(OUT) $(OUT)/man

install: all man ## Install into $(DESTDIR)$(PREFIX)
	install -D -m 0755 build/tidemarkd $(DESTDIR)$(PREFIX)/bin/tidemarkd
	install -D -m 0755 build/tidemark $(DESTDIR)$(PREFIX)/bin/tidemark
	install -D -m 0644 lib/tidemark.h $(DESTDIR)$(PREFIX)/include/tidemark.h
	install -D -m 0755 build/libtidemark.so $(DESTDIR)$(PREFIX)/lib/libtidemark.so.$(VERSION)
	ln -sf libtidemark.so.$(VERSION) $(DESTDIR)$(PREFIX)/lib/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(PREFIX)/lib/libtidemark.so
	install -D -m 0644 build/libtidemark.a $(DESTDIR)$(PREFIX)/lib/libtidemark.a
	install -d $(DESTDIR)$(PREFIX)/lib/pkgconfig
	sed 's,^prefix=.*,prefix=$(PREFIX),' lib/tidemark.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/tidemark.pc
	sed -i 's,@VERSION@,$(VERSION),' $(DESTDIR)$(PREFIX)/lib/pkgconfig/tidemark.pc
	cd build/man && for page in man?/*; do install -D -m 0644 $$page $(DESTDIR)$(PREFIX)/share/man/$$page || exit 1; done
	install -D -m 0644 systemd/tidemark.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/tidemark.conf
	install -D -m 0644 systemd/tidemark.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/tidemark.conf
	install -D -m 0644 systemd/tidemark.conf $(DESTDIR)$(PREFIX)/share/doc/tidemark/tidemark.conf
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/systemd/user
	sed 's,/usr/local/,$(PREFIX)/,' systemd/tidemarkd.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/tidemarkd.service
	sed 's,/usr/local/,$(PREFIX)/,' systemd/user/tidemarkd.service > $(DESTDIR)$(PREFIX)/lib/systemd/user/tidemarkd.service

clean: ## Remove build/
	rm -rf build

$(OUT)/tidemarkd: $(call objects,$(filter-out daemon/cli/% daemon/migrate/% lib/repository/%,$(SHARED)) daemon/main.c)
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

$(OUT)/tidemark: $(call objects,$(filter-out lib/repository/%,$(SHARED)) daemon/cli/main.c)
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ $(LIBS)

# Only tide_* leaves the library: the static one is a single object whose other names are its
# own, so that an application's error_set() never meets ours.
$(OUT)/libtidemark.so: $(call objects,$(LIBRARY)) lib/libtidemark.map
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=lib/libtidemark.map \
	    -Wl,-z,defs -o $@ $(filter %.o,$^) -ljansson -lsqlite3 -lm
	@ln -sf libtidemark.so $(OUT)/$(SONAME)

$(OUT)/libtidemark.a: $(call objects,$(LIBRARY))
	@echo "  ar $@"
	@$(LD) -r -o $(OUT)/libtidemark.o $^
	@$(OBJCOPY) --wildcard --keep-global-symbol='tide_*' $(OUT)/libtidemark.o
	@rm -f $@ && $(AR) rcs $@ $(OUT)/libtidemark.o

$(OUT)/tidemark.pc: lib/tidemark.pc.in
	@sed 's,@VERSION@,$(VERSION),' $< > $@

$(OUT)/tests/%: $(OUT)/tests/%.o $(call objects,$(SHARED) $(SUPPORT))
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(SANITIZE) $(WRAP) -o $@ $^ $(LIBS) -lcmocka

# Where every allocation of ours can be made to fail.
$(addprefix $(OUT)/tests/unit/,test_array test_catalog test_library_memory test_outbox_quarantine): WRAP = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=reallocarray,--wrap=strdup

$(OUT)/tests/writer: $(call objects,$(WRITER))
	@mkdir -p $(@D)
	@echo "  ld $@"
	@$(CC) $(CFLAGS) $(SANITIZE) -o $@ $^ -lsqlite3

$(OUT)/%.o: %.c | $(SQL_HEADERS) $(MIGRATIONS)
	@mkdir -p $(@D)
	@echo "  cc $<"
	@$(COMPILE) -c -o $@ $<

$(OUT)/%.h.ok: %.h | $(SQL_HEADERS) $(MIGRATIONS)
	@mkdir -p $(@D)
	@$(COMPILE) -MF /dev/null -fsyntax-only -x c -include $< /dev/null && touch $@

vpath %.sql $(sort $(dir $(SQL_FILES)))
$(OUT)/gen/%.sql.h: %.sql lib/base/embed_sql.awk
	@mkdir -p $(@D)
	@awk -v module=$* -f lib/base/embed_sql.awk $< > $@.new && mv $@.new $@

$(OUT)/gen/%_migrations.h: lib/base/embed_files.awk $(wildcard migrations/cache/*.sql migrations/primary/*.sql)
	@mkdir -p $(@D)
	@awk -v array=$*_migrations -f lib/base/embed_files.awk $(sort $(wildcard migrations/$*/*.sql)) > $@.new && mv $@.new $@

-include $(wildcard $(patsubst %.c,$(OUT)/%.d,$(SOURCES) $(wildcard tests/unit/*.c tests/support/*.c tests/campaigns/*.c)))
.SECONDARY:
.DELETE_ON_ERROR:
.PHONY: all programs library man help deps deps-check demo test check unit-tests check-integration faults lint tidy format \
        check-headers asan campaign campaign-storm campaign-write campaign-mutants campaign-autogenerate \
        bench install clean
