"""What holds for the package: its list of packages, its wheel, its floors' map, its public face."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

import docsearch

REPOSITORY = Path(__file__).resolve().parents[1]
NOT_SHIPPED = {"tests", "benchmarks", "sample_docs", "docs", "build", "dist"}
WEIGHTS = {f"docsearch/engine/models/pixel/{name}.safetensors" for name in ("vision", "text", "visual_words")}
WHEEL_MAX_BYTES = 20 << 20


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


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built once for all tests."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    # setuptools writes build/ and *.egg-info beside the sources; both go to the temporary folder.
    environment = {**os.environ, "DIST_EXTRA_CONFIG": str(out / "setup.cfg")}
    (out / "setup.cfg").write_text(f"[build]\nbuild_base = {out / 'build'}\n[egg_info]\negg_base = {out}\n")
    done = subprocess.run([*command, str(REPOSITORY)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    (built,) = out.glob("*.whl")
    return built


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
    (libraries / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [scripts / "docsearch", "--help"], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "docsearch query" in done.stdout


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
