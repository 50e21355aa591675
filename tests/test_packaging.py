"""What holds for the package: its list of packages, its wheel, its floors' map, its public face."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import kernel_backend
import kernel_compiler
import pytest

import docsearch

REPOSITORY = Path(__file__).resolve().parents[1]
NOT_SHIPPED = {"build_backend", "tests", "benchmarks", "sample_docs", "docs", "build", "dist"}
WEIGHT_NAMES = ("vision", "text", "visual_words", "script_vision", "script_text")
WEIGHTS = {f"docsearch/engine/models/pixel/{name}.safetensors" for name in WEIGHT_NAMES}
WHEEL_MAX_BYTES = 32 << 20


def packages_on_disk() -> set[str]:
    """Folders with an __init__.py, under their import names."""
    found = {"docsearch"}
    for top in REPOSITORY.iterdir():
        if top.is_dir() and top.name not in NOT_SHIPPED and not top.name.startswith("."):
            for init in top.rglob("__init__.py"):
                found.add(".".join(("docsearch", *init.relative_to(REPOSITORY).parent.parts)))
    return found


def modules_on_disk() -> set[str]:
    """Every Python file of those packages, by its place in the wheel."""
    modules: set[str] = set()
    for package in packages_on_disk():
        inside = Path(*package.split(".")[1:])
        modules |= {("docsearch" / inside / file.name).as_posix() for file in (REPOSITORY / inside).glob("*.py")}
    return modules


def build_wheel(out: Path, **variables: str) -> Path:
    """The wheel, built into the folder `out` with these environment variables."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"]
    # setuptools writes build/ and *.egg-info beside the sources; both go to the temporary folder.
    environment = {**os.environ, "DIST_EXTRA_CONFIG": str(out / "setup.cfg"), **variables}
    (out / "setup.cfg").write_text(f"[build]\nbuild_base = {out / 'build'}\n[egg_info]\negg_base = {out}\n")
    command += ["--outdir", str(out), str(REPOSITORY)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once for all tests."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_every_package_is_listed() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert set(project["tool"]["setuptools"]["packages"]) == packages_on_disk()


def test_the_wheel_holds_every_module_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name for name in names if name.endswith(".py")} == modules_on_disk()
    assert "docsearch/py.typed" in names
    assert wheel.stat().st_size < WHEEL_MAX_BYTES


def test_the_wheel_holds_the_weights(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {info.filename: info.file_size for info in archive.infolist()}
    pixel = REPOSITORY / "engine/models/pixel"
    data = [file for file in pixel.iterdir() if file.suffix in {".safetensors", ".txt"}]
    assert in_wheel.keys() >= WEIGHTS
    assert {
        f"docsearch/engine/models/pixel/{file.name}": file.stat().st_size for file in data
    }.items() <= in_wheel.items()


@pytest.mark.skipif(kernel_compiler.find_compiler() is None, reason="no C compiler")
def test_the_wheel_holds_the_kernels_and_is_for_one_system_and_any_python(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert f"docsearch/engine/kernels/native/{kernel_compiler.LIBRARY.name}" in archive.namelist()
    *_, python, abi, system = wheel.stem.split("-")
    assert (python, abi) == ("py3", "none")
    assert system.replace("_", "-").endswith(platform.machine().replace("_", "-"))


@pytest.mark.parametrize("folders_with_programs", ["no compiler", "a compiler that fails"])
def test_without_a_compiler_the_wheel_is_for_any_system_and_info_says_numpy(
    folders_with_programs: str, tmp_path: Path
) -> None:
    if folders_with_programs == "a compiler that fails":
        for name in ("cc", "gcc", "clang"):
            (tmp_path / name).write_text("#!/bin/sh\nexit 1\n")
            (tmp_path / name).chmod(0o755)
    (tmp_path / "zig").mkdir()
    (tmp_path / "zig/sitecustomize.py").write_text('import sys; sys.modules["ziglang"] = None')
    built = build_wheel(tmp_path, CC="", PATH=str(tmp_path), PYTHONPATH=str(tmp_path / "zig"))
    assert built.name.endswith("-py3-none-any.whl")
    installed = tmp_path / "installed"
    with zipfile.ZipFile(built) as archive:
        archive.extractall(installed)
    code = "from docsearch.engine.kernels.native import library; print(library.__file__, library.description())"
    environment = {key: value for key, value in os.environ.items() if key != "DOCSEARCH_COMPILE"}
    found = subprocess.check_output(
        [sys.executable, "-c", code], env={**environment, "PYTHONPATH": str(installed)}, text=True, cwd=tmp_path
    )
    assert found.startswith(str(installed))
    assert found.strip().endswith("numpy (no C compiler worked when docsearch was installed)")


def test_a_compiler_is_fetched_only_where_none_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_compiler, "find_compiler", lambda: ["cc"])
    assert not [need for need in kernel_backend.get_requires_for_build_wheel() if "zig" in need]
    monkeypatch.setattr(kernel_compiler, "find_compiler", lambda: None)
    for requires in (kernel_backend.get_requires_for_build_wheel, kernel_backend.get_requires_for_build_editable):
        assert kernel_backend.ZIG in requires()


@pytest.mark.slow
def test_the_source_distribution_builds_a_wheel_with_kernels(tmp_path: Path) -> None:
    environment = {**os.environ, "DIST_EXTRA_CONFIG": str(tmp_path / "setup.cfg")}
    (tmp_path / "setup.cfg").write_text(f"[egg_info]\negg_base = {tmp_path}\n")
    build = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--outdir", str(tmp_path)]
    subprocess.run([*build, "--sdist", str(REPOSITORY)], env=environment, capture_output=True, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(tmp_path / "sources", filter="data")
    (folder,) = (tmp_path / "sources").iterdir()
    subprocess.run([*build, "--wheel", str(folder)], capture_output=True, check=True)
    (built,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as wheel:
        names = wheel.namelist()
    assert modules_on_disk() <= set(names)
    compiled = f"docsearch/engine/kernels/native/{kernel_compiler.LIBRARY.name}" in names
    assert compiled == (kernel_compiler.find_compiler() is not None)


def test_the_wheel_holds_every_file_of_the_page(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {info.filename: info.file_size for info in archive.infolist()}
    page = {f"docsearch/server/web/{file.name}": file.stat().st_size for file in (REPOSITORY / "server/web").iterdir()}
    assert "docsearch/server/web/index.html" in page
    assert page.items() <= in_wheel.items()


def test_the_installed_wheel_has_the_command(wheel: Path, tmp_path: Path) -> None:
    """Installed into an environment of its own, beside the libraries of this one."""
    venv.create(tmp_path / "env", with_pip=False, symlinks=os.name != "nt")
    scripts = tmp_path / "env" / ("Scripts" if os.name == "nt" else "bin")
    install = ["-m", "pip", "--python", str(scripts / "python"), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([sys.executable, *install, str(wheel)], check=True)
    environment = {**os.environ, "PYTHONPATH": "", "PYTHONSAFEPATH": "1"}
    where = "import docsearch, pathlib; print(pathlib.Path(docsearch.__file__).resolve())"
    found = subprocess.check_output([scripts / "python", "-c", where], env=environment, text=True, cwd=tmp_path)
    assert Path(found.strip()).is_relative_to(tmp_path.resolve())
    # Appended behind the environment's own packages, so that the installed docsearch is the one that is found.
    libraries = next((tmp_path / "env").rglob("site-packages"))
    these = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (libraries / "libraries.pth").write_text("\n".join(these))
    done = subprocess.run(
        [scripts / "docsearch", "--help"], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "docsearch query" in done.stdout


def test_the_package_and_its_metadata_have_one_version() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    assert docsearch.__version__ == project["project"]["version"]


def test_the_public_face_is_what_it_lists() -> None:
    for name in docsearch.__all__:
        assert getattr(docsearch, name) is not None
    assert set(docsearch.__all__) == set(dir(docsearch))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        docsearch.nothing  # noqa: B018


def test_importing_docsearch_imports_nothing_heavy() -> None:
    code = "import docsearch, sys; print([m for m in ('torch', 'numpy', 'faiss', 'typer', 'rich') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
