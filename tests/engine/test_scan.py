"""A scan of a tree: what is looked at, what comes from an earlier run, and that the processes make no difference."""

import io
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.scan import scan
from ptlint.engine.scanner import Part, Piece, Scanner
from ptlint.errors import TreeError, UsageError
from ptlint.report import load_format
from tests.kernels import SMALL, replaced

IDLE = """\
static bool entry_is_idle(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	if (!pte_present(ptep_get(ptep)))
		return false;
	return !pte_young(*ptep);
}
"""
HALF = "static void broken_entry(pte_t *ptep)\n{\n\tpte_t pte = @;\n}\n"
UNBUILT = "#if NO_SUCH_THING > 3\nstatic void set_odd_pte(pte_t *ptep)\n{\n}\n#endif\n"
STALE = replaced("\t\told_pte = pte_next_pfn(old_pte);\n", "\t\told_pte = pte;\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the small tree with a file that reads an entry directly."""
    folder = tmp_path / "tree"
    shutil.copytree(SMALL, folder)
    (folder / "mm/idle.c").write_text(IDLE)
    return folder


def scanned(tree: Path, *paths: str, jobs: int = 1, store: bool = False, **more: object) -> Report:
    request = CheckRequest(inputs=paths, tree=tree, archs=("x86+noparavirt",), cwd=tree)
    return scan(replace(request, **more), jobs, store)  # type: ignore[arg-type]


def as_json(report: Report) -> str:
    out = io.StringIO()
    load_format("json").report(report, out)
    return out.getvalue()


def test_what_a_tree_has_is_found_without_a_series(tree: Path) -> None:
    report = scanned(tree)
    (finding,) = report.findings
    assert (finding.code, str(finding.span), finding.patch) == ("PT407", "mm/idle.c:5", None)
    assert report.series is None
    assert '"series"' not in as_json(report)
    assert report.coverage.scenarios > 0
    assert {"entry_is_idle", "modify_prot_commit_ptes"} <= set(report.coverage.functions_changed)


def test_a_helper_that_breaks_a_contract_is_reported_where_it_stands_with_the_run(tree: Path) -> None:
    for path, text in STALE.items():
        (tree / path).write_text(text)
    (finding,) = [one for one in scanned(tree).findings if one.code == "PT102"]
    assert (finding.span.path, finding.function) == ("include/linux/pgtable.h", "modify_prot_commit_ptes")
    assert finding.counterexample is not None


def test_only_the_paths_asked_for_are_looked_at(tree: Path) -> None:
    assert scanned(tree, "include").findings == ()
    assert [one.code for one in scanned(tree, "mm/idle.c", "include").findings] == ["PT407"]
    assert scanned(tree, "mm/idle.c").scope == ("mm/idle.c",)


def test_paths_are_relative_to_the_folder_one_stands_in(tree: Path) -> None:
    subprocess.run(["git", "init", "-q", tree], check=True)
    subprocess.run(["git", "-C", tree, "add", "-A"], check=True)
    subprocess.run(["git", "-C", tree, "commit", "-qm", "start"], check=True)
    request = CheckRequest(inputs=("idle.c",), archs=("x86+noparavirt",), cwd=tree / "mm")
    assert [one.code for one in scan(request, use_store=False).findings] == ["PT407"]


@pytest.mark.parametrize("path", ["../elsewhere", "/etc", "mm/absent.c", "mm/../../x"])
def test_a_path_that_is_not_in_the_tree_is_refused(tree: Path, path: str) -> None:
    with pytest.raises(UsageError, match="tree"):
        scanned(tree, path)


def test_a_folder_that_is_no_kernel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TreeError, match="no kernel tree"):
        scanned(tmp_path)


def test_files_on_disk_are_scanned_and_a_commit_on_request(tree: Path) -> None:
    (tree / "mm/idle.c").write_text(IDLE.replace("*ptep)", "ptep_get(ptep))"))
    subprocess.run(["git", "init", "-q", tree], check=True)
    subprocess.run(["git", "-C", tree, "add", "-A"], check=True)
    subprocess.run(["git", "-C", tree, "commit", "-qm", "start"], check=True)
    (tree / "mm/idle.c").write_text(IDLE)
    assert [one.code for one in scanned(tree, "mm").findings] == ["PT407"]
    assert scanned(tree, "mm", base="HEAD").findings == ()


def test_what_no_rule_saw_is_listed(tree: Path) -> None:
    (tree / "mm/odd.c").write_text(HALF + UNBUILT)
    entries = [entry for entry in scanned(tree, "mm/odd.c").left_out if entry.source == "mm/odd.c"]
    assert [(entry.kind, entry.what, entry.line) for entry in entries] == [
        ("not-read", "broken_entry()", 1),
        ("not-built", "set_odd_pte()", 6),
    ]


def test_rules_that_ask_about_a_series_are_left_out_and_named(tree: Path) -> None:
    report = scanned(tree, "mm")
    assert "PT702" not in {rule.code for rule in report.rules}
    assert [entry.what for entry in report.left_out if entry.kind == "of-series"] == ["PT702"]


def test_processes_and_the_store_change_nothing(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = as_json(scanned(tree))
    assert as_json(scanned(tree, jobs=3, store=True)) == alone

    def never(self: Scanner, piece: Piece) -> Part:
        raise AssertionError(f"{piece} was scanned again")

    monkeypatch.setattr(Scanner, "scan", never)
    assert as_json(scanned(tree, store=True)) == alone


def test_a_run_that_was_cut_short_is_resumed(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    real = Scanner.scan

    def cut(self: Scanner, piece: Piece) -> Part:
        if piece.name == "mm/mprotect.c" and "mm/mprotect.c" not in made:
            made.append(piece.name)
            raise KeyboardInterrupt
        made.append(piece.name)
        return real(self, piece)

    monkeypatch.setattr(Scanner, "scan", cut)
    with pytest.raises(KeyboardInterrupt):
        scanned(tree, store=True)
    before = list(made)
    scanned(tree, store=True)
    assert set(made[len(before) :]).isdisjoint(before[:-1])
    assert "mm/mprotect.c" in made[len(before) :]


def test_another_tree_is_scanned_anew(tree: Path) -> None:
    assert scanned(tree, "mm", store=True).findings
    (tree / "mm/idle.c").write_text(IDLE.replace("*ptep)", "ptep_get(ptep))"))
    assert not scanned(tree, "mm", store=True).findings


def test_a_rule_that_fails_loses_nothing_else(tree: Path, tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    source = (Path(__file__).parents[2] / "rules/pt407_raw_pte_dereference.py").read_text()
    source = source.replace('code="PT407"', 'code="XX901"').replace("    yield from introduced", "    raise ValueError")
    (rules / "xx901_raw_pte_dereference.py").write_text(source)
    report = scanned(tree, "mm", rules_dirs=(rules,))
    assert [one.code for one in report.findings] == ["PT407"]
    assert {entry.what for entry in report.left_out if entry.kind == "PT010"} == {"XX901"}
