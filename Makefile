# make setup   everything this checkout needs, into .venv (quick when nothing changed)
# make run     set-up, then the main job: camera (or the shipped clip) in, your avatar in the mirror
# make test    set-up, then all tests
# make lint    ruff, mypy and import-linter
# make clean   remove what the targets above made inside the checkout

PYTHON ?= python3.11
EXTRAS := vr,smplx,synthetic,train,heic,onnx,openvino,rerun,virtualcam,dev
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: setup run test lint clean models openxr-runtime

setup: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt tools/install_system_libraries.sh
	tools/install_system_libraries.sh "$(PYTHON)"
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@

models: setup
	$(BIN)/inperson models fetch

run: models
	$(BIN)/inperson live

openxr-runtime: setup
	tools/build_monado.sh >/dev/null

test: models openxr-runtime
	$(BIN)/pytest -n 2 --dist loadfile

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
