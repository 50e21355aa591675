"""Compiles the kernels in C into one shared library: `python build_backend/kernel_compiler.py [LIBRARY]`.

A library that was compiled from the sources as they are is left as it is.

Each source is compiled once for each instruction set of the architecture, and the library has them all; docsearch
chooses when it runs. The compiler is $CC, the system's cc, gcc or clang, or that of the package ziglang, whichever
first compiles a program. Needs nothing but the standard library, since it also runs before docsearch is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KERNELS = Path(__file__).resolve().parents[1] / "engine/kernels"
LIBRARY = KERNELS / "native" / ("_kernels.dll" if sys.platform == "win32" else "_kernels.so")
OPTIONS = ("-std=c11", "-O3", "-g", "-fno-math-errno", "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra")
"""-ffp-contract=off: products and sums are rounded one by one, so that every instruction set gives the same bits."""
_AVX2 = ("-mavx2", "-mfma", "-mf16c", "-mbmi", "-mbmi2", "-mpopcnt")
_AVX512 = (*_AVX2, "-mavx512f", "-mavx512dq", "-mavx512cd", "-mavx512bw", "-mavx512vl", "-mprefer-vector-width=512")
INSTRUCTION_SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "x86_64": {
        "scalar": ("-DPLAIN_C",),
        "sse2": (),
        "avx2": _AVX2,
        "avxvnni": (*_AVX2, "-mavxvnni"),
        "avx512": _AVX512,
        "avx512vnni": (*_AVX512, "-mavx512vnni"),
    },
    "aarch64": {"scalar": ("-DPLAIN_C",), "neon": (), "dotprod": ("-march=armv8.2-a+dotprod",)},
}
"""The options of each instruction set; other architectures have `scalar` alone. Names as in `library`."""
COMPILE_TIMEOUT_S = 600


class CompilerError(Exception):
    """No compiler was found, or one refused a source; the text is what it said."""


def sources() -> list[Path]:
    """The C files and headers, in a fixed order."""
    return sorted([*KERNELS.glob("*/*.c"), *KERNELS.glob("*/*.h")])


def fingerprint() -> str:
    """The hash of the sources, which the library also holds."""
    digest = hashlib.sha256()
    for source in sources():
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:16]


def find_compiler() -> list[str] | None:
    """The command of the first C compiler that makes a shared library; None without one."""
    return next((command for command in _candidates() if _works(command)), None)


def options_for(command: Sequence[str], machine: str, name: str) -> list[str]:
    """The options with which `command` compiles kernels for an instruction set of an architecture."""
    options = INSTRUCTION_SETS.get(machine, {"scalar": ("-DPLAIN_C",)})[name]
    if "ziglang" in command:  # it knows no versions of ARM's architecture
        options = tuple(option.replace("-march=armv8.2-a", "-mcpu=generic") for option in options)
    return [*OPTIONS, f"-DINSTRUCTIONS={name}", *options]


def _candidates() -> Iterator[list[str]]:
    if os.environ.get("CC"):
        yield shlex.split(os.environ["CC"])
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            yield [name]
    if importlib.util.find_spec("ziglang") is not None:
        yield [sys.executable, "-m", "ziglang", "cc", "-target", zig_target()]


def zig_target() -> str:
    """The system as Zig names it: for any processor of the architecture, not for the one at hand."""
    machine = architecture()
    if sys.platform == "darwin":
        return f"{machine}-macos"
    if sys.platform == "win32":
        return f"{machine}-windows-gnu"
    return f"{machine}-linux-{'gnu.2.17' if platform.libc_ver()[0] == 'glibc' else 'musl'}"


def architecture() -> str:
    """The architecture of this Python: x86_64, aarch64 or another."""
    name = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


def _works(command: Sequence[str]) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "works.c")
        source.write_text("#include <stdint.h>\nint64_t works(void) { return 1; }\n", "utf-8")
        try:
            _run([*command, *_shared(), str(source), "-o", str(Path(folder, "works.so"))])
        except CompilerError:
            return False
    return True


def compile_library(library: Path, command: Sequence[str], *, extra: Sequence[str] = ()) -> None:
    """Write `library`, compiled by `command` for the architecture of this machine.

    `extra` are options of every command, such as those of sanitizers. The file is replaced whole. Raises CompilerError.
    """
    machine = architecture()
    sets = INSTRUCTION_SETS.get(machine, {"scalar": ("-DPLAIN_C",)})
    with tempfile.TemporaryDirectory(dir=library.parent, prefix=".kernels-") as folder:
        facts = (f'-DSOURCES="{fingerprint()}"', f'-DINSTRUCTION_SETS="{" ".join(sets)}"')
        jobs = [(KERNELS / "native/cpu.c", [*OPTIONS, *facts], Path(folder, "cpu.o"))]
        for source in sorted(KERNELS.glob("*/*.c")):
            if source.name != "cpu.c":
                for name in sets:
                    into = Path(folder, f"{source.stem}_{name}.o")
                    jobs.append((source, options_for(command, machine, name), into))

        def compile_one(job: tuple[Path, list[str], Path]) -> None:
            source, options, into = job
            position = () if sys.platform == "win32" else ("-fPIC",)
            _run([*command, *position, *options, *extra, "-c", str(source), "-o", str(into)])

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(compile_one, jobs))
        linked = Path(folder, library.name)
        _run([*command, *_shared(), *extra, *(str(into) for _, _, into in jobs), "-o", str(linked)])
        linked.replace(library)


def _shared() -> tuple[str, ...]:
    return ("-shared",) if sys.platform == "win32" else ("-shared", "-fPIC")


def _run(command: Sequence[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=COMPILE_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as err:
        raise CompilerError(f"{shlex.join(command)}: {err}") from err
    if done.returncode:
        raise CompilerError(f"{shlex.join(command)}\n{done.stderr[-3000:]}")


def main() -> int:
    """Compile the library, in its place in the sources or where the first argument says."""
    library = Path(sys.argv[1]) if len(sys.argv) > 1 else LIBRARY
    if library.exists() and fingerprint().encode() in library.read_bytes():
        return 0
    command = find_compiler()
    if command is None:
        print("no C compiler works here: tried $CC, cc, gcc, clang and the package ziglang", file=sys.stderr)
        return 1
    try:
        compile_library(library, command)
    except CompilerError as err:
        print(err, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
