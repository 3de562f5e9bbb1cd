"""What ``simulate()`` says of callers: they run from every state, so what breaks is only told beside what was."""

import shutil
from pathlib import Path

import pytest

from ptlint.engine.request import CheckRequest
from ptlint.engine.simulate import simulate
from ptlint.sim.judgement import Judgement
from tests.kernels import SMALL, mailbox

CALLER = """\
#include <linux/mm.h>
#include <linux/pgtable.h>

static void close_ptes(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr)
{
	for (; nr--; ptep++, addr += PAGE_SIZE) {
		pte_t pte = ptep_get(ptep);

		set_pte_at(vma->vm_mm, addr, ptep, pte_wrprotect(pte));
	}
}
"""
SKIPPING = CALLER.replace("nr--; ptep++", "nr--; ptep += 2")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a small tree with a caller in a file that no configuration builds."""
    folder = tmp_path / "tree"
    shutil.copytree(SMALL, folder)
    (folder / "mm").mkdir(exist_ok=True)
    (folder / "mm/close.c").write_text(CALLER)
    return folder


def judged(tree: Path, function: str, arch: str, *patches: str) -> list[Judgement]:
    return list(simulate(CheckRequest(inputs=patches, tree=tree, archs=(arch,)), function))


def test_a_caller_in_a_file_that_no_configuration_builds_is_run(tree: Path) -> None:
    [judgement] = [one for one in judged(tree, "close_ptes", "arm64") if one.arch == "arm64"]
    assert judgement.is_whole
    assert "mm/close.c:close_ptes" in judgement.executed


def test_what_a_caller_breaks_by_itself_is_told_as_a_state_that_callers_may_never_bring_about(tree: Path) -> None:
    [judgement] = [one for one in judged(tree, "close_ptes", "arm64") if one.arch == "arm64"]
    assert judgement.general
    assert {violation.property for violation in judgement.violations} == {"accessed-dirty"}


def test_with_a_patch_only_what_it_brings_is_told_of_a_caller(tree: Path, tmp_path: Path) -> None:
    series = tmp_path / "series.mbox"
    series.write_text(mailbox({"mm/close.c": SKIPPING}, tree=tree))
    [judgement] = [one for one in judged(tree, "close_ptes", "arm64", str(series)) if one.arch == "arm64"]
    told = {violation.property for violation in judgement.violations}
    assert not judgement.general
    assert "outside" in told
    assert "accessed-dirty" not in told
    assert judgement.known == ("accessed-dirty",)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "arch"),
    [
        ("change_pte_range", "x86+xen"),  # the longest runs of all
        ("clear_refs_pte_range", "arm64"),
        ("try_to_unmap_one", "alpha"),  # without hugetlb, whose helpers are not linked there
        ("ptep_clear_flush", "alpha"),  # flushes by a function of its own, and asks a register who runs
        ("clean_record_pte", "arm64"),  # mm/mapping_dirty_helpers.c is built under no profile
    ],
)
def test_the_kernel_s_callers_come_to_their_end_and_hold(function: str, arch: str, kernel: Path) -> None:
    own = [one for one in judged(kernel, function, arch) if one.arch == arch]
    assert own
    assert [(one.subject, one.stopped, one.exhausted, one.failed) for one in own if not one.is_whole] == []
    assert [violation.detail for one in own for violation in one.violations] == []


@pytest.mark.slow
@pytest.mark.parametrize("nr", [4, 16])
def test_batches_of_any_size_come_to_their_end(nr: int, kernel: Path) -> None:
    request = CheckRequest(inputs=(), tree=kernel, archs=("x86+xen",))
    for function in ("modify_prot_commit_ptes", "change_present_ptes"):
        own = [one for one in simulate(request, function, nr) if function in one.subject.split("+")]
        assert [one.subject for one in own if not one.is_whole] == []
        assert all(one.scenarios > 500 for one in own)


@pytest.mark.slow
def test_a_change_of_permissions_runs_on_every_architecture(kernel: Path) -> None:
    own = list(simulate(CheckRequest(inputs=(), tree=kernel), "change_present_ptes"))
    assert len({one.arch for one in own}) > 25
    assert [(one.arch, one.subject, one.exhausted) for one in own if not one.is_whole] == []
    assert not any(violation.compared for one in own for violation in one.violations)
