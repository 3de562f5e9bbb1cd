"""``ptlint model`` on a small tree: what it prints, and how it refuses."""

import json
from pathlib import Path

import pytest

from ptlint.__main__ import main
from ptlint.store import open_store
from tests.csrc.small_kernel import FILES


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        file = tmp_path / "linux" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "linux"


def test_json_has_every_key_of_a_symbol(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "entry_clear", "--tree", str(tree), "--arch", "x86,riscv", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema_version"] == 1
    assert [profile["arch"] for profile in found["profiles"]] == ["x86", "riscv"]
    entry = found["profiles"][0]["symbols"]["entry_clear"]
    assert {"kind", "shape", "def", "proto", "guard", "calls", "uses"} <= set(entry)
    assert entry["guard"] == "__HAVE_ARCH_ENTRY_CLEAR"
    assert (entry["def"], entry["calls"], entry["uses"]) == ("arch/x86/mm/entry.c:7", ["mask"], ["ptep"])


def test_the_table_groups_architectures_and_says_why(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "entry_clear", "--tree", str(tree), "--arch", "x86,riscv", "--why"]) == 0
    out = capsys.readouterr().out
    assert "arch extern  arch/x86/mm/entry.c:7\n    x86\n" in out
    assert "generic inline  include/linux/pgtable.h:14\n    riscv\n" in out
    assert "ignores addr" in out
    assert "include/linux/pgtable.h:13: '#ifndef __HAVE_ARCH_ENTRY_CLEAR'" in out


def test_a_graph_has_an_edge_for_each_call(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["model", "entry_clear", "--tree", str(tree), "--arch", "x86", "--format", "dot"]) == 0
    assert '"entry_clear" -> "mask"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--arch", "vax"], "unknown architecture 'vax'"),
        (["--arch", "x86", "no_such_helper"], "no_such_helper: not declared under any profile"),
        (["--config", "here"], "--config needs one --arch"),
        (["--arch", "x86", "--config", "gone"], "gone: No such file"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(
    tree: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(["model", "--tree", str(tree), *arguments]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_a_file_that_is_no_configuration_is_refused(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tree / "README"
    config.write_text("hello\n")
    assert main(["model", "--tree", str(tree), "--arch", "x86", "--config", str(config)]) == 2
    assert "not a line of a kernel configuration" in capsys.readouterr().err


def model(tree: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["model", "--tree", str(tree), "--arch", "x86,riscv", *more]) == 0
    return capsys.readouterr().out


def test_a_second_run_reads_what_the_first_one_kept(
    tree: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = [model(tree, capsys, *more) for more in ([], ["--why"], ["entry_clear"], ["--json"])]

    def refuse(*arguments: object) -> None:
        raise AssertionError("a universe was read again")

    monkeypatch.setattr("ptlint.csrc.universe.Universe.__init__", refuse)
    assert [model(tree, capsys, *more) for more in ([], ["--why"], ["entry_clear"], ["--json"])] == first


def test_what_was_kept_is_not_used_for_another_tree(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = model(tree, capsys, "entry_clear")
    path = tree / "arch/x86/mm/entry.c"
    path.write_text("\n" + path.read_text())
    second = model(tree, capsys, "entry_clear")
    assert ("entry.c:7" in first, "entry.c:8" in second) == (True, True)


def test_without_a_cache_nothing_is_kept(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert model(tree, capsys, "entry_clear", "--no-cache")
    assert open_store().info().entries == 0


def test_a_damaged_cache_changes_no_answer(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = model(tree, capsys, "entry_clear", "--why")
    kept = [path for path in Path(open_store().info().folder).rglob("*") if path.is_file()]
    assert kept
    for path in kept:
        path.write_bytes(path.read_bytes()[:-3] + b"xyz")
    assert model(tree, capsys, "entry_clear", "--why") == first
