"""A tree that is made to be expensive, or is damaged, is read in bounded time, and what was not read is told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.test_hostile_patches import SLACK
from tests.shared import ROOT

SECONDS = 3.0
"""What a check of the demo may take on such a tree, of which the plain one takes one."""

MEGABYTES = 275
"""What it may hold at most, of which the plain one takes 75."""

DEMO = ROOT / "fixtures" / "demo"
GENERIC = "include/linux/pgtable.h"
OWN = "arch/x86/include/asm/pgtable.h"

DOUBLING = "#define A0 1\n" + "".join(f"#define A{i + 1} A{i} + A{i}\n" for i in range(40))


def first(text: str, path: str = GENERIC) -> Callable[[Path], None]:
    """Return what puts *text* before a file."""
    return lambda tree: _write(tree / path, text + (tree / path).read_text())


def last(text: str, path: str = GENERIC) -> Callable[[Path], None]:
    """Return what puts *text* behind a file."""
    return lambda tree: _write(tree / path, (tree / path).read_text() + text)


def within(name: str, text: str) -> Callable[[Path], None]:
    """Return what puts *text* at the beginning of function *name*."""

    def change(tree: Path) -> None:
        head, found, rest = (tree / GENERIC).read_text().partition(f" {name}(")
        assert found
        arguments, opened, body = rest.partition("\n{\n")
        _write(tree / GENERIC, f"{head}{found}{arguments}{opened}{text}{body}")

    return change


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _chain(tree: Path) -> None:
    for i in range(300):
        _write(tree / f"include/linux/c{i}.h", f"#include <linux/c{i + 1}.h>\n#include <linux/c{i + 1}.h>\n")
    first("#include <linux/c0.h>\n", OWN)(tree)


def _places(tree: Path) -> None:
    (tree / OWN).unlink()
    (tree / OWN).symlink_to("pgtable.h")
    (tree / "include" / "loop").symlink_to("..")
    (tree / "include" / "linux" / "mm.h").unlink()
    (tree / "include" / "linux" / "mm.h").mkdir()
    os.mkfifo(tree / "mm" / "pipe.c")
    (tree / "mm" / "away.c").symlink_to("/etc/passwd")


def _sparse(tree: Path) -> None:
    with open(tree / OWN, "w") as file:
        file.truncate(1 << 36)


def _binary(tree: Path) -> None:
    (tree / OWN).write_bytes(b"\0\xff\xfe#if (\n/*\"'\\" * 20_000)


EXPENSIVE: dict[str, tuple[Callable[[Path], None], str]] = {
    "a condition that doubles": (first(f"{DOUBLING}#if A40\n#endif\n"), ""),
    "a long condition": (first(f"#if {'(' * 50_000}1{')' * 50_000}\n#endif\n"), ""),
    "conditionals in conditionals": (first("#ifdef A\n" * 6_000 + "#endif\n" * 6_000), ""),
    "directives": (first("#define A 1\n" * 20_000, OWN), f"{OWN}: more than the 12500 directives"),
    "declarations": (first("int a;\n" * 9_000, OWN), f"{OWN}: more than the 8000 declarations"),
    "functions of the file that is patched": (
        first("".join(f"static inline int pte_f{i}(int p)\n{{\n\treturn p;\n}}\n" for i in range(20_000))),
        "changed, but not run on the simulator (4)",
    ),
    "helpers": (
        last("".join(f"#ifndef pte_h{i}\n#define pte_h{i}(pte) (pte)\n#endif\n" for i in range(4_000))),
        "",
    ),
    "includes of includes": (_chain, "more than 8000 files are included"),
    "comments on one line": (first("/*" * 300_000 + "*/\n"), ""),
    "names of one kind": (first("typeof(" * 10_000 + "1" + ")" * 10_000 + ";\n"), ""),
    "a call of a call": (
        first("".join(f"static inline int pte_c{i + 1}(int p)\n{{\n\treturn pte_c{i}(p);\n}}\n" for i in range(7_900))),
        "",
    ),
    "a getter without an end": (
        within("ptep_get", "\tfor (;;)\n\t\t;\n"),
        "change_pte_range(): more than 10000",
    ),
    "no text": (_binary, ""),
    "what is no file": (_places, ""),
}

SCRIPT = """
import sys, time
from ptlint.__main__ import main
code = main(sys.argv[1:])
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(code, time.process_time(), peak // 1024, file=sys.stderr)
"""

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc"
)


def run(*arguments: str) -> tuple[int, float, int, str]:
    """Return exit code, CPU seconds, peak in MiB and output of a command."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments], capture_output=True, text=True, timeout=120, cwd=ROOT, check=True
    )
    *said, numbers = done.stderr.splitlines()
    code, seconds, megabytes = numbers.split()
    return int(code), float(seconds), int(megabytes), done.stdout + "\n".join(said)


def stamp(tree: Path) -> list[tuple[str, int, int]]:
    """Return what changes when anything is written below *tree*."""
    found = [(str(path), path.lstat()) for path in sorted(tree.rglob("*"))]
    return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in found]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO / "tree", tmp_path / "tree"))


@pytest.mark.parametrize("what", EXPENSIVE)
def test_an_expensive_tree_is_bounded_and_what_was_not_read_is_told(what: str, tree: Path) -> None:
    change, told = EXPENSIVE[what]
    change(tree)
    before = stamp(tree)
    code, seconds, megabytes, out = run("check", str(DEMO / "series.mbox"), "--tree", str(tree))
    assert code in (0, 1, 3), out
    assert "internal error" not in out
    assert told in " ".join(out.split())
    assert seconds < SLACK * SECONDS
    assert megabytes < MEGABYTES
    assert stamp(tree) == before


COMMANDS = {
    "check": ("check", str(DEMO / "series.mbox"), "--tree", "{}"),
    "model": ("model", "--tree", "{}", "--no-cache"),
    "scan": ("scan", "--tree", "{}", "--jobs", "1", "--no-cache", "mm"),
    "simulate": ("simulate", "set_ptes", "--tree", "{}"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_file_that_is_too_large_is_told_and_the_others_are_looked_at(command: str, tree: Path) -> None:
    extra = tree / "arch" / "x86" / "include" / "asm" / "extra.h"
    with open(extra, "w") as file:
        file.truncate(1 << 36)
    last("#include <asm/extra.h>\n", OWN)(tree)
    code, _, megabytes, out = run(*(one.format(tree) for one in COMMANDS[command]))
    plain = run(*(one.format(DEMO / "tree") for one in COMMANDS[command]))
    assert code == plain[0]
    assert megabytes < MEGABYTES
    said = " ".join(out.replace("extra.h:1:", "extra.h:").split())
    assert f"{extra.relative_to(tree)}: more than the 64 MiB that are read of one file" in said
    assert {one for one in plain[3].splitlines() if not one.startswith("not analysed (")} <= set(out.splitlines())


def test_of_a_file_with_very_many_functions_the_first_are_scanned(tree: Path) -> None:
    functions = "".join(f"int f{i}(pte_t *ptep)\n{{\n\treturn pte_young(*ptep);\n}}\n" for i in range(600))
    _write(tree / "mm" / "many.c", functions)
    code, *_, out = run(*(one.format(tree) for one in COMMANDS["scan"]))
    assert code == 0
    assert "mm/many.c: 600 functions name page tables: only the first 500 were looked at" in " ".join(out.split())


def test_of_very_many_names_the_model_shows_the_first(tree: Path) -> None:
    last("".join(f"#ifndef pte_h{i}\n#define pte_h{i}(pte) (pte)\n#endif\n" for i in range(1_100)))(tree)
    code, *_, out = run("model", "--tree", str(tree), "--no-cache", "--arch", "x86")
    assert code == 0
    assert "are more than the 1000 that are looked at" in out


def test_a_header_that_is_not_read_is_told_by_simulate_as_well(tree: Path) -> None:
    EXPENSIVE["directives"][0](tree)
    code, *_, out = run("simulate", "set_ptes", "--tree", str(tree))
    assert code == 0
    assert f"not read: {OWN}: more than the 12500 directives that ptlint reads of one file" in out


def test_a_helper_that_cannot_be_read_is_told_by_simulate(tree: Path) -> None:
    within("set_ptes", f"\tnr = {'(' * 9_000}nr{')' * 9_000};\n")(tree)
    code, *_, out = run("simulate", "set_ptes", "--tree", str(tree))
    assert code == 0
    assert "x86  set_ptes(): not executed: nested too deeply" in out
    assert run("simulate", "set_no_ptes", "--tree", str(tree))[0] == 2


@pytest.mark.parametrize("body", ["\tfor (;;)\n\t\tset_pte(ptep, pte);\n", "\twhile (nr--)\n\t\tnr |= 1U << 20;\n"])
def test_all_runs_of_simulate_share_a_bound(body: str, tree: Path) -> None:
    within("set_ptes", body)(tree)
    code, seconds, megabytes, out = run("simulate", "set_ptes", "--tree", str(tree))
    assert code == 0
    assert "set_ptes(): not finished: more than" in out
    assert "set_ptes(): not finished: it came to no end under 2 other profiles" in out
    assert "ptep_get(): not" not in out
    assert seconds < SLACK * SECONDS
    assert megabytes < MEGABYTES


def _committed(tree: Path, lost: str) -> None:
    """Make *tree* a repository that has lost one object."""

    def git(*arguments: str) -> str:
        names = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        return subprocess.run(
            ["git", *names, *arguments], cwd=tree, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "tree")
    name = git("rev-parse", lost)
    (tree / ".git" / "objects" / name[:2] / name[2:]).unlink()


@pytest.mark.parametrize("lost", ["HEAD", "HEAD^{tree}"])
def test_without_its_commit_a_check_ends_with_one_sentence(lost: str, tree: Path) -> None:
    _committed(tree, lost)
    code, *_, out = run(*(one.format(tree) for one in COMMANDS["check"]))
    assert code == 3
    assert out.strip().startswith("ptlint: ")
    assert len(out.strip().splitlines()) == 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("lost", ["arch/x86/mm/pgtable.c", "arch/x86/mm"])
def test_a_lost_file_or_folder_is_told_and_the_others_are_looked_at(lost: str, command: str, tree: Path) -> None:
    _write(tree / "arch" / "x86" / "mm" / "pgtable.c", "int pte_other(pte_t pte)\n{\n\treturn pte_young(pte);\n}\n")
    _committed(tree, f"HEAD:{lost}")
    code, *_, out = run(*(one.format(tree) for one in COMMANDS[command]))
    plain = run(*(one.format(DEMO / "tree") for one in COMMANDS[command]))
    assert code == plain[0]
    assert lost in out
