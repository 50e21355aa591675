"""Build backend: setuptools, and the kernels in C compiled into the package.

A wheel with compiled kernels is for one system and any Python (`py3-none-linux_x86_64`); without a compiler it is for
any system, and numpy does the work. The package ziglang, which holds a C compiler, is asked for only where none works.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kernel_compiler
from setuptools import Command
from setuptools.build_meta import (
    build_editable,
    build_sdist,
    build_wheel,
    get_requires_for_build_sdist,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)
from setuptools.build_meta import get_requires_for_build_editable as _requires_for_editable
from setuptools.build_meta import get_requires_for_build_wheel as _requires_for_wheel
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build import build

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

ZIG = "ziglang>=0.13"
IN_WHEEL = Path("docsearch/engine/kernels/native", kernel_compiler.LIBRARY.name)
"""The library's place below the folder that a wheel is made from."""


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """What building a wheel needs, as PEP 517 asks."""
    return [*_requires_for_wheel(config_settings), *_compiler()]


def get_requires_for_build_editable(config_settings: Any = None) -> list[str]:
    """What an editable installation needs, as PEP 660 asks."""
    return [*_requires_for_editable(config_settings), *_compiler()]


def _compiler() -> list[str]:
    return [] if kernel_compiler.find_compiler() else [ZIG]


class BuildKernels(Command):
    """Compiles the kernels: below `build_lib` for a wheel, in the sources for an editable installation.

    Without a compiler, or where it refuses the sources, it says so and the package is built without kernels.
    """

    description = "compile the kernels in C"
    user_options: list[tuple[str, str, str]] = []  # noqa: RUF012 - as setuptools declares it
    editable_mode = False
    build_lib: str | None = None

    def initialize_options(self) -> None:
        """Nothing is known before `finalize_options`."""

    def finalize_options(self) -> None:
        """The folder that a wheel is made from is that of the command `build`."""
        self.set_undefined_options("build", ("build_lib", "build_lib"))

    @property
    def library(self) -> Path:
        """The file to write."""
        return kernel_compiler.LIBRARY if self.editable_mode else Path(str(self.build_lib), IN_WHEEL)

    def run(self) -> None:
        """Compile, if that is possible."""
        self.library.parent.mkdir(parents=True, exist_ok=True)
        self.library.unlink(missing_ok=True)
        command = kernel_compiler.find_compiler()
        if command is None:
            self.warn("no C compiler works: numpy will do the work of the kernels, several times slower")
            return
        try:
            kernel_compiler.compile_library(self.library, command)
        except kernel_compiler.CompilerError as err:
            self.warn(f"the kernels do not compile, numpy will do their work, several times slower: {err}")

    def get_source_files(self) -> list[str]:
        """The sources, which a source distribution holds."""
        root = kernel_compiler.KERNELS.parents[1]
        return [str(source.relative_to(root)) for source in kernel_compiler.sources()]

    def get_outputs(self) -> list[str]:
        """The library, if it was compiled."""
        return [str(self.library)] if self.library.exists() and not self.editable_mode else []

    def get_output_mapping(self) -> dict[str, str]:
        """No output is a copy of a source."""
        return {}


class Build(build):
    """The command `build` with the kernels."""

    sub_commands = [*build.sub_commands, ("build_kernels", None)]  # noqa: RUF012 - as setuptools declares it


class BdistWheel(bdist_wheel):
    """A wheel for one system if it holds compiled kernels, which need no particular Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """The tags of Python, ABI and system in the wheel's name."""
        if not Path(str(self.bdist_dir), IN_WHEEL).exists():
            return "py3", "none", "any"
        self.root_is_pure = False
        tag: tuple[str, str, str] = super().get_tag()
        return "py3", "none", tag[2]
