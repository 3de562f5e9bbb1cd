"""Which profiles run a change: those that stand for all first, the others where that is not enough."""

from pathlib import Path

import pytest

from ptlint.core.patch import PatchRef
from ptlint.core.report import Report
from ptlint.core.tree import MemoryTree
from ptlint.csrc.profile import main_profiles, runs_callers, stands_for_others
from ptlint.engine.representing import in_turn, is_local
from ptlint.engine.steps import Step
from ptlint.passes.changes import changes_between
from ptlint.passes.outcomes import Runs
from tests.engine.test_run import ARM64, GOOD, STALE, report_of
from tests.kernels import PGTABLE, Change, replaced

TIDIED = replaced("\tunsigned int i;\n", "\tunsigned int at;\n\tunsigned int i;\n")
OWN = replaced(
    "\tset_ptes(vma->vm_mm, addr, ptep, pte, nr);\n", "\tset_ptes(vma->vm_mm, addr, ptep, pte, nr);\n\n", ARM64
)


def stood_for(report: Report) -> list[str]:
    return [name for one in report.left_out if one.kind == "stood-for" for name in one.what.split(", ")]


def run(folder: Path, change: Change, *archs: str) -> Report:
    return report_of(folder, change, archs=archs)


def test_each_kind_of_helper_has_a_profile_that_stands_for_it() -> None:
    first = {profile.name for profile in main_profiles() if stands_for_others(profile)}
    assert {"arm", "arm64", "powerpc/radix", "powerpc/hash", "s390", "x86+xen", "x86/pae"} <= first
    assert len(first) < len(main_profiles()) / 2


def test_an_architecture_that_the_change_touches_runs_in_any_case() -> None:
    first, rest = in_turn(main_profiles(), (PGTABLE, "arch/sparc/include/asm/pgtable_64.h"))
    assert {"sparc", "sparc/32", "x86+xen"} <= {profile.name for profile in first}
    assert sorted(one.name for one in (*first, *rest)) == sorted(one.name for one in main_profiles())


def test_generic_code_that_holds_is_not_run_everywhere_and_the_report_says_where(tmp_path: Path) -> None:
    report = run(tmp_path, TIDIED)
    assert report.findings == ()
    assert stood_for(report) == ["arm64+nocontpte", "x86"]
    assert "arm64+nocontpte" not in report.coverage.universes
    assert "x86+xen" in report.coverage.universes


def test_generic_code_that_breaks_runs_everywhere(tmp_path: Path) -> None:
    report = run(tmp_path, STALE)
    assert [finding.code for finding in report.findings] == ["PT102"]
    assert stood_for(report) == []
    assert "arm64+nocontpte" in report.coverage.universes


def test_a_profile_that_ran_for_one_patch_and_not_for_another_is_told(tmp_path: Path) -> None:
    report = report_of(tmp_path, STALE, GOOD, {PGTABLE: TIDIED[PGTABLE]}, archs=())
    assert "arm64+nocontpte" in report.coverage.universes
    assert stood_for(report) == ["arm64+nocontpte", "x86"]


def test_whoever_asks_for_all_gets_all(tmp_path: Path) -> None:
    report = run(tmp_path, TIDIED, "all")
    assert stood_for(report) == []
    assert "arm64+nocontpte" in report.coverage.universes


def test_code_of_an_architecture_runs_on_all_its_profiles(tmp_path: Path) -> None:
    assert stood_for(run(tmp_path, OWN)) == []


def test_a_generic_helper_that_the_first_profiles_replace_runs_on_the_others(tmp_path: Path) -> None:
    guarded = replaced(
        "#ifndef modify_prot_commit_ptes\n", "#if !defined(modify_prot_commit_ptes) && !defined(CONFIG_MMU)\n"
    )
    report = run(tmp_path, guarded)
    assert stood_for(report) == []


BODY = "static void ptep_clean(pte_t *ptep)\n{\n\told();\n}\n\nbool may_clean(pte_t pte)\n{\n\treturn old();\n}\n"


def step_of(before: str, after: str, path: str) -> Step:
    trees = [MemoryTree({path: text.encode()}) for text in (before, after)]
    changes = changes_between(trees[0], trees[1], [path])
    return Step(PatchRef(1, 1, "", "a change"), Runs(trees[0]), Runs(trees[1]), changes, (path,))


@pytest.mark.parametrize(
    ("path", "more", "expected"),
    [
        ("mm/clean.c", "", True),
        ("include/linux/clean.h", "", False),
        ("arch/arm64/mm/clean.c", "", False),
        ("mm/clean.c", "void ptep_old(pte_t *ptep)\n{\n\told();\n}\n", False),
        ("mm/clean.c", "#ifndef __HAVE_ARCH_PTEP_FLUSH\nvoid ptep_flush(pte_t *ptep)\n{\n}\n#endif\n", False),
        ("mm/clean.c", "#ifndef arch_wants_young_pte\nstatic int arch_wants_young_pte(void)\n{\n}\n#endif\n", True),
    ],
)
def test_what_one_file_of_generic_code_has_for_itself_is_local(path: str, more: str, expected: bool) -> None:
    text = BODY + more
    assert is_local(step_of(text, text.replace("old()", "new()"), path)) is expected


def test_what_is_local_runs_where_callers_run_and_nowhere_else() -> None:
    first, rest = in_turn(main_profiles(), ("mm/clean.c",), is_local=True)
    assert [one.name for one in first] == [one.name for one in main_profiles() if runs_callers(one)]
    assert rest == ()
