"""What was wrong before is no finding of the patch that moves it; what a change does elsewhere stands at the change."""

import shutil
from pathlib import Path

import pytest

from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.run import check
from tests.kernels import PGTABLE, SMALL, Change, diff_of, mail, replaced, text_of

ARM64 = "arch/arm64/include/asm/pgtable.h"
IDLE = """\
static bool entry_is_idle(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	if (!pte_present(ptep_get(ptep)))
		return false;
	return !pte_young(*ptep);
}
"""
OTHER = """\
static void age_entry(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep)
{
	set_pte_at(vma->vm_mm, addr, ptep, pte_mkold(ptep_get(ptep)));
}
"""
RAW = "!pte_young(*ptep)"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return the small tree with a function that reads an entry directly."""
    folder = tmp_path / "tree"
    shutil.copytree(SMALL, folder)
    (folder / "mm/idle.c").write_text(IDLE + "\n" + OTHER)
    return folder


def checked(tree: Path, after: Change, *archs: str, select: tuple[str, ...] = ("PT4",)) -> Report:
    """Check a patch that makes the files of *tree* those of *after*."""
    before = {path: (tree / path).read_text() if (tree / path).is_file() else None for path in after}
    box = tree.parent / "one.mbox"
    box.write_text(mail("[PATCH] mm: change", diff_of(before, after)))
    request = CheckRequest(inputs=(str(box),), tree=tree, archs=archs or ("x86+noparavirt",), cwd=tree, select=select)
    return check(request)


def codes(report: Report) -> list[str]:
    assert all(status.applied for status in report.patches)
    return [finding.code for finding in report.findings]


RENAMED = IDLE.replace("entry_is_idle", "entry_idle")
SHORTER = RENAMED.replace("pte_t *ptep", "pte_t *p").replace("(ptep)", "(p)").replace("*ptep", "*p")
SPLIT = (
    f"static bool is_old(pte_t *ptep)\n{{\n\tif (!pte_present(ptep_get(ptep)))\n\t\treturn 0;\n\treturn {RAW};\n}}\n\n"
    + IDLE.replace(f"return {RAW}", "return is_old(ptep)")
)


@pytest.mark.parametrize(
    "after",
    [
        {"mm/idle.c": OTHER + "\n" + IDLE},
        {"mm/idle.c": "\n\n/* more */\n" + IDLE.replace("\treturn !", "\n\treturn\n\t\t!") + OTHER},
        {"mm/idle.c": OTHER, "mm/young.c": IDLE},
        {"mm/idle.c": None, "mm/young.c": IDLE + "\n" + OTHER},
        {"mm/idle.c": RENAMED + OTHER},
        {"mm/idle.c": OTHER, "mm/young.c": SHORTER},
        {"mm/idle.c": SPLIT + OTHER},
    ],
    ids=[
        "in the file",
        "reworded",
        "to a file",
        "with its file",
        "renamed",
        "both, with new names inside",
        "split off",
    ],
)
def test_what_was_wrong_before_is_silent_wherever_it_goes(tree: Path, after: Change) -> None:
    assert codes(checked(tree, after)) == []


@pytest.mark.parametrize(
    "after",
    [
        {"mm/idle.c": IDLE + IDLE.replace("entry_is_idle", "entry_idle") + OTHER},
        {"mm/idle.c": OTHER, "mm/young.c": IDLE + IDLE.replace("entry_is_idle", "entry_idle")},
        {"mm/idle.c": IDLE + OTHER.replace("pte_mkold(ptep_get(ptep))", "pte_mkold(*ptep)")},
        {"mm/idle.c": IDLE.replace(RAW, f"{RAW} && pte_dirty(*ptep)") + OTHER},
    ],
    ids=["a copy", "moved and copied", "in another function", "once more"],
)
def test_what_comes_on_top_is_reported_once(tree: Path, after: Change) -> None:
    assert codes(checked(tree, after)) == ["PT407"]


STALE = replaced("\t\told_pte = pte_next_pfn(old_pte);\n", "\t\told_pte = pte;\n")


def test_a_helper_that_breaks_its_contract_is_silent_under_another_name(tree: Path) -> None:
    wrong = text_of(ARM64).replace("\tset_ptes(vma->vm_mm, addr, ptep, pte, nr);\n", "\tset_pte(ptep, pte);\n")
    (tree / ARM64).write_text(wrong)
    moved = wrong.replace("static inline void arm64_commit", "/* moved */\nstatic inline void arm64_commit")
    assert codes(checked(tree, {ARM64: moved + "\n"}, "arm64", select=("PT1",))) == []


def test_an_untouched_override_that_a_changed_generic_helper_breaks_is_told_at_the_change(tree: Path) -> None:
    report = checked(tree, STALE, select=("PT102",))
    (finding,) = report.findings
    assert (finding.span.path, finding.function) == (PGTABLE, "modify_prot_commit_ptes")


def test_a_removed_override_is_told_where_it_stood(tree: Path) -> None:
    text = (tree / ARM64).read_text()
    for path, wrong in STALE.items():
        (tree / path).write_text(wrong)
    start = text.index("#define modify_prot_commit_ptes")
    body = text.index("static inline void modify_prot_commit_ptes")
    without = text[:start] + text[text.index("\n}\n", body) + 3 :]
    report = checked(tree, {ARM64: without}, "arm64", select=("PT102",))
    (finding,) = report.findings
    assert finding.span.path == ARM64
    assert any(related.span.path == PGTABLE for related in finding.related)
