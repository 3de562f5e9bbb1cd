"""Compiled modules: used where they hold for the sources, left alone where not, and made of any package's sources."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ptlint import compiled
from ptlint.compiling import FOLDERS, PLAIN, RUNS, compile_package, modules_in
from tests.shared import ROOT, program

PACKAGE = ROOT / "ptlint"
SOURCE = "def doubled(number: int) -> int:\n    return 2 * number\n"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a small package that is compiled as ptlint is: one module in each folder."""
    package = tmp_path / "ptlint"
    for folder in FOLDERS:
        (package / folder).mkdir(parents=True)
        (package / folder / "__init__.py").touch()
        (package / folder / "values.py").write_text(SOURCE)
    for name in ("__init__.py", "compiled.py", "compiling.py"):
        shutil.copy(PACKAGE / name, package)
    return package


def index_of(package: Path) -> Path:
    """Write an index, as compiling does, with a library for each module of *package*, and return its path."""
    names = modules_in(package)
    lines = [f"{name} {name}.so" for name in names]
    index = package / compiled.FOLDER / compiled.INDEX
    index.parent.mkdir()
    index.write_text("\n".join([compiled.digest_of(str(package), names), *lines]) + "\n")
    return index


def run(package: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run *program* where ``import ptlint`` gives *package*."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=package.parent,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_module_that_is_left_out_by_name_exists() -> None:
    assert all((PACKAGE / name).is_file() for name in PLAIN)
    assert all((PACKAGE / "sim" / f"{name}.py").is_file() for name in RUNS)
    assert {name.split(".")[1] for name in modules_in(PACKAGE)} == set(FOLDERS)


def test_modules_hold_as_long_as_no_source_differs(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PTLINT_COMPILED", raising=False)
    index_of(package)
    held = compiled._files_in(str(package))
    assert held == {name: str(package / compiled.FOLDER / f"{name}.so") for name in modules_in(package)}
    (package / FOLDERS[0] / "values.py").write_text(SOURCE.replace("2", "3"))
    assert compiled._files_in(str(package)) == {}


def test_the_environment_can_leave_them_alone(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    index_of(package)
    monkeypatch.setenv("PTLINT_COMPILED", "0")
    assert compiled._files_in(str(package)) == {}


@pytest.mark.parametrize("text", ["", "0123\nptlint.csrc.values\n", "0123\nptlint.csrc.lost lost.so\n", "\ud800"])
def test_an_index_that_is_damaged_is_as_none(package: Path, text: str) -> None:
    index_of(package).write_text(text, errors="surrogatepass")
    assert compiled._files_in(str(package)) == {}


SHOWN = "import ptlint, ptlint.csrc.values as made; print(ptlint.COMPILED, made.doubled(4), made.__file__)"


def test_what_was_compiled_runs_until_its_source_changes(package: Path) -> None:
    program("gcc")
    compile_package(package)
    done = run(package, SHOWN, PTLINT_COMPILED="")
    assert done.stdout.startswith("True 8 "), done
    assert not done.stdout.strip().endswith(".py")
    assert run(package, SHOWN, PTLINT_COMPILED="0").stdout.startswith("False 8 ")
    (package / FOLDERS[0] / "values.py").write_text(SOURCE.replace("2", "3"))
    done = run(package, SHOWN, PTLINT_COMPILED="")
    assert done.stdout.startswith("False 12 "), done
    assert done.stdout.strip().endswith(".py")


def test_without_a_compiler_one_sentence_says_so_and_the_package_stays_as_it_is(package: Path) -> None:
    main = "import sys; from ptlint.compiling import main; sys.exit(main())"
    done = run(package, main, CC="no-such-compiler", PATH="")
    assert done.returncode == 1
    assert done.stderr.startswith("ptlint is not compiled, it runs as plain Python, the same but slower: ")
    assert "no-such-compiler" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (package / compiled.FOLDER).exists()
