# Everything that is run on this project. Each target does its own set-up in .venv and build/; a second run is quick.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check
# How long `make long` fuzzes each target, and how many rounds its randomised tests go.
SECONDS ?= 60
ROUNDS ?= 100
# Passed on: make demo ARGS="--file x", make test ARGS="-k name".
ARGS ?=

C_FILES = $(sort $(wildcard */csrc/*.[ch] */csrc/*/*.[ch] */ibverbs/*.[ch] */ibverbs/*/*.[ch] tests/c/*.[ch] tests/integration/*.[ch] tests/e2e/*/*.[ch] tests/fuzz/*.[ch] tests/bench/*.[ch]))
BUILD_FILES = CMakeLists.txt $(wildcard */ffi_build.py) $(wildcard */csrc/*.[ch] */csrc/*/*.[ch] */ibverbs/*.[ch] */ibverbs/*/*.[ch] p4/*.p4 p4/*/*.p4)
CMAKE = $(BIN)/cmake -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN)/ninja) -DDPU_WERROR=ON
CTEST = $(BIN)/ctest --output-on-failure --no-tests=error -j 2
PYTEST = $(BIN)/python -m pytest
# Arguments of pip for an editable install of this folder into a build folder of its own.
EDITABLE = --no-build-isolation --config-settings=cmake.define.DPU_WERROR=ON

.PHONY: FORCE help build demo test ctest peers e2e conformance long lint format asan tsan bench wheel docs clean
FORCE:
help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 13

# ---- set-up -------------------------------------------------------------------------------------------------------

$(VENV)/.tools: .ci/venv
	.ci/venv $(VENV)
	@touch $@

# The list of modules; it changes only when one comes or goes. An editable install knows modules by their paths, so a
# module that became a package is not found before the next install.
build/.modules: FORCE
	@mkdir -p build
	@find datapath rdma_verbs dpu_emu control_plane -name '*.py' | sort > $@.new
	@cmp -s $@.new $@ || cp $@.new $@
	@rm $@.new

# The editable install: Python is read from the tree, compiled modules lie in .venv.
$(VENV)/.installed: pyproject.toml build/.modules $(VENV)/.tools
	$(PIP) install --quiet $(EDITABLE) --config-settings=build-dir=build/py -e '.[dev]'
	@touch $@

# A changed C file: compile, and copy what was built to where the editable install put it.
build/.compiled: $(VENV)/.installed $(BUILD_FILES)
	$(BIN)/cmake --build build/py
	$(BIN)/cmake --install build/py --prefix "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')" >/dev/null
	@touch $@

build: build/.compiled ## .venv with the package in it, compiled modules up to date

# ---- use ----------------------------------------------------------------------------------------------------------

demo: build ## two software DPUs move a file
	$(BIN)/dpu-emu demo $(ARGS)

# ---- check --------------------------------------------------------------------------------------------------------

ctest: $(VENV)/.tools ## the C tests, as they ship
	$(CMAKE) -S . -B build/c -DDPU_TESTS=ON >/dev/null
	$(BIN)/cmake --build build/c
	$(CTEST) --test-dir build/c

test: build ctest ## all tests that need no peers
	$(PYTEST) --ignore tests/e2e --ignore tests/bench -m 'not long' $(ARGS)

peers: ## installs the real peers of the e2e tests (Debian 12; root or sudo)
	tests/e2e/peers.sh install
	@if [ -f dpu_emu/lab/image.py ]; then $(MAKE) --no-print-directory build && $(BIN)/python -m dpu_emu.lab.image; fi

e2e: build ## tests against real peers; `make peers` first
	$(PYTEST) tests/e2e -m 'not long' --timeout 600 --durations 10 $(ARGS)

conformance: build ## what Debian's pyverbs suite says of the drop-in libibverbs, file by file; as root
	$(BIN)/python -m tests.e2e.pyverbs_suite $(ARGS)

lint: $(VENV)/.installed ## formatters, linters, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $(C_FILES)

format: $(VENV)/.installed ## lets the formatters write
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $(C_FILES)

# Python under ASan: an environment of its own that borrows .venv's packages, with a sanitized build of ours. Leaks
# are Python's own at exit, so leak detection is for the C tests. A report goes to the real stderr, which pytest must
# not capture (an abort would take the report along): --capture=sys.
ASAN_VENV := build/asan-venv
ASAN_ENV = LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 PYTHONMALLOC=malloc

$(ASAN_VENV)/.installed: $(VENV)/.installed $(BUILD_FILES)
	[ -d $(ASAN_VENV) ] || $(BIN)/python -m venv --without-pip $(ASAN_VENV)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))' \
		> "$$($(ASAN_VENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')/venv.pth"
	PATH="$(abspath $(BIN)):$$PATH" $(ASAN_VENV)/bin/python -m pip --disable-pip-version-check install --quiet --no-deps \
		--ignore-installed $(EDITABLE) --config-settings=build-dir=build/asan-py \
		--config-settings=cmake.define.DPU_SANITIZE=address,undefined -e .
	@touch $@

asan: $(ASAN_VENV)/.installed ## C tests, Python unit and property tests, the drop-in and the example fabrics, under ASan and UBSan
	$(CMAKE) -S . -B build/asan-c -DDPU_TESTS=ON -DDPU_SANITIZE=address,undefined >/dev/null
	$(BIN)/cmake --build build/asan-c
	$(CTEST) --test-dir build/asan-c
	$(ASAN_ENV) $(ASAN_VENV)/bin/python -c 'from datapath.build import build; assert "address" in build().sanitizers'
	$(ASAN_ENV) $(ASAN_VENV)/bin/python -m pytest tests/unit $(wildcard tests/property) tests/integration/test_ibverbs.py tests/integration/test_fabric_examples.py -m 'not long' --timeout 600 --capture=sys $(ARGS)

tsan: $(VENV)/.tools ## C tests under ThreadSanitizer
	$(CMAKE) -S . -B build/tsan-c -DDPU_TESTS=ON -DDPU_SANITIZE=thread >/dev/null
	$(BIN)/cmake --build build/tsan-c
	$(CTEST) --test-dir build/tsan-c

long: build ## fuzzing (SECONDS= a target) and long randomised tests (ROUNDS=)
	$(CMAKE) -S . -B build/fuzz -DCMAKE_C_COMPILER=clang -DDPU_FUZZ=ON -DDPU_SANITIZE=address,undefined >/dev/null
	$(BIN)/cmake --build build/fuzz
	for source in $(wildcard tests/fuzz/fuzz_*.c); do \
		target=$$(basename $$source .c); kept=tests/fuzz/corpus/$${target#fuzz_}; found=build/fuzz/corpus/$$target; \
		mkdir -p $$kept $$found; \
		build/fuzz/$$target -max_total_time=$(SECONDS) -seed=1 -print_final_stats=1 -artifact_prefix=$$kept/ $$found $$kept; \
	done
	$(CMAKE) -S . -B build/c -DDPU_TESTS=ON >/dev/null && $(BIN)/cmake --build build/c --target test_goodput
	build/c/test_goodput all
	DPU_ROUNDS=$(ROUNDS) $(PYTEST) -m long --timeout 0 $(ARGS) || [ $$? = 5 ]

bench: build ## measurements as JSON in build/bench
	@mkdir -p build/bench
	for script in $(wildcard tests/bench/bench_*.py); do \
		$(BIN)/python -m tests.bench.$$(basename $$script .py) $(ARGS) | tee build/bench/$$(basename $$script .py).json; done

docs: build ## every example and command in the documentation runs and exists
	$(PYTEST) tests/test_docs.py $(ARGS)

# ---- ship ---------------------------------------------------------------------------------------------------------

# Tagged with this machine's glibc, the oldest that the wheel is known to run on; see docs/decisions.
wheel: $(VENV)/.installed ## dist/*.whl, installable without a compiler
	rm -rf build/wheel && mkdir -p build/wheel dist
	$(PIP) wheel --quiet --no-deps --no-build-isolation --config-settings=build-dir=build/wheel-build -w build/wheel .
	$(BIN)/wheel tags --remove --platform-tag \
		"manylinux_$$(getconf GNU_LIBC_VERSION | cut -d' ' -f2 | tr . _)_$$(uname -m)" build/wheel/*.whl >/dev/null
	mv build/wheel/*.whl dist/
	@ls dist/*.whl

clean: ## removes what make made
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find datapath rdma_verbs dpu_emu control_plane tests examples -name __pycache__ -prune -exec rm -rf {} +
