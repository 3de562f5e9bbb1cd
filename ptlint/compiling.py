"""``python -m ptlint.compiling``: compile the modules that read and run C, for the Python that runs it.

mypyc makes C of the typed Python and the C compiler a library of that; nothing but ptlint's own sources is compiled.
Needs mypy, setuptools, a C compiler and Python's headers. Without any of them ptlint runs as plain Python, the same but
slower. ``ptlint.compiled`` uses the result as long as the sources stay as they are.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from ptlint.compiled import FOLDER, INDEX, digest_of

FOLDERS = ("csrc", "calls", "sim")
"""Where what is compiled stands: most of the time of a check goes into reading C and running it."""

RUNS = (
    *("blob", "calls", "convert", "errors", "expressions", "flow", "frame", "lookup", "machine", "memory", "names"),
    *("objects", "operators", "places", "program", "questions", "reach", "scope", "statements", "types", "values"),
)
"""The modules of ``sim`` that run C; scenarios and properties would take as long to compile and gain little."""

PLAIN = frozenset({"csrc/universe.py"})
"""What is not: a universe is copied, and ``copy.copy`` makes a compiled object by calling its class as it is."""


def modules_in(package: Path) -> list[str]:
    """Return the full names of the modules that are compiled."""
    paths = [path for folder in FOLDERS for path in sorted((package / folder).rglob("*.py"))]
    names = [path.relative_to(package).as_posix().removesuffix(".py") for path in paths if path.name != "__init__.py"]
    wanted = [name for name in names if not name.startswith("sim/") or name.removeprefix("sim/") in RUNS]
    return ["ptlint." + name.replace("/", ".") for name in wanted if f"{name}.py" not in PLAIN]


def compile_here() -> None:
    """Compile ``ptlint/`` of the current folder into ``made/``. For a process of its own: compilers write and exit."""
    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    sources = [name.replace(".", "/") + ".py" for name in modules_in(Path("ptlint"))]
    options = ["--config-file=", "--explicit-package-bases", "--cache-dir=cache"]
    extensions = mypycify([*options, *sources], opt_level="1", debug_level="0", multi_file=True, target_dir="c")
    command = build_ext(Distribution({"name": "ptlint", "ext_modules": extensions}))
    command.build_lib, command.build_temp, command.parallel = "made", "objects", os.cpu_count()
    command.finalize_options()
    command.run()


def compile_package(package: Path) -> None:
    """Compile the modules of the folder *package* into ``_compiled/`` in it.

    Raises subprocess.CalledProcessError, with what the compilers said, and OSError when the result cannot be written.
    """
    names = modules_in(package)
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        shutil.copytree(package, here / "ptlint", ignore=shutil.ignore_patterns(FOLDER, "__pycache__"))
        digest = digest_of(str(here / "ptlint"), names)
        program = "from ptlint.compiling import compile_here; compile_here()"
        subprocess.run([sys.executable, "-c", program], cwd=here, check=True, capture_output=True, text=True)
        made = here / "made"
        suffix = EXTENSION_SUFFIXES[0]
        files = [path.relative_to(made).as_posix() for path in sorted(made.rglob("*" + suffix))]
        lines = [f"{file.removesuffix(suffix).replace('/', '.')} {file}" for file in files]
        (made / INDEX).write_text("\n".join([digest, *lines]) + "\n", encoding="utf-8")
        shutil.rmtree(package / FOLDER, ignore_errors=True)
        shutil.copytree(made, package / FOLDER)


def main() -> int:
    """Compile, say in one sentence what came of it, and return 0 where it worked, 1 where ptlint stays plain Python."""
    package = Path(__file__).resolve().parent
    print("compiling what reads and runs C: a minute on two processors", flush=True)
    try:
        compile_package(package)
    except (subprocess.CalledProcessError, OSError) as error:
        said = f"{error.stdout}\n{error.stderr}" if isinstance(error, subprocess.CalledProcessError) else str(error)
        reasons = [line.strip() for line in said.splitlines() if "rror" in line or "not found" in line]
        reason = reasons[-1] if reasons else str(error)
        print(f"ptlint is not compiled, it runs as plain Python, the same but slower: {reason}", file=sys.stderr)
        return 1
    print("compiled; what is changed from now on runs as plain Python")
    return 0


if __name__ == "__main__":
    sys.exit(main())
