"""What b4 waits for on every patch: a start that is quick where there is nothing to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.interfaces.world import git, kernel
from tests.kernels import diff_of, mail
from tests.shared import ROOT

DRIVER = "int probe(void)\n{\n\treturn 0;\n}\n"
EDIT = DRIVER.replace("0", "1")
PATCH = mail("[PATCH] net: probe", diff_of({"drivers/net.c": DRIVER}, {"drivers/net.c": EDIT}))

LIMIT = 0.15
"""Seconds of CPU, with an interpreter that itself needs 10 ms to start."""


def started(words: list[str], cwd: Path) -> tuple[float, bytes]:
    """Return the CPU time that a process took, and what it wrote to both its outputs."""
    with subprocess.Popen(
        [sys.executable, *words], cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(PATCH.encode())
        process.stdin.close()
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime, output


@pytest.mark.parametrize("where", ["outside of any tree", "in a tree", "in a tree without the file"])
def test_a_patch_without_page_tables_costs_little_time(where: str, tmp_path: Path) -> None:
    if where != "outside of any tree":
        kernel(tmp_path)
        tmp_path = tmp_path / "linux"
    if where == "in a tree":
        (tmp_path / "drivers").mkdir()
        (tmp_path / "drivers/net.c").write_text(DRIVER)
        git(tmp_path, "add", "drivers/net.c")
        git(tmp_path, "commit", "-q", "-m", "net")
    command = ["-m", "ptlint", "check", "--format", "b4", "-"]
    runs = [started(command, tmp_path) for _ in range(5)]
    idle = min(started(["-c", "import sys; sys.stdin.read()"], tmp_path)[0] for _ in range(5))
    assert {output for _, output in runs} == {b""}
    # A machine that is slow, or shared by others, is slow for both.
    assert min(seconds for seconds, _ in runs) < LIMIT * max(1.0, idle / 0.010)


def test_a_patch_without_page_tables_loads_neither_rules_nor_simulator(tmp_path: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); from ptlint.__main__ import main; "
        "code = main(['check', '--format', 'b4', '-']); print(*sys.modules); sys.exit(code)"
    )
    _, output = started(["-c", program], tmp_path)
    modules = set(output.decode().split())
    assert not {"numpy", "git", "rich", "tree_sitter", "unidiff", "liblore"} & modules
    layers = {name.split(".")[1] for name in modules if name.startswith("ptlint.")}
    assert not {"api", "sim", "calls", "csrc", "passes"} & layers
