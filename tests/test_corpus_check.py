"""The mail that the project is about: which series it is, that its helpers hold, and what a reviewer's idea breaks."""

import mailbox
from pathlib import Path

import pytest

from ptlint.core.finding import Finding
from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.run import check
from tests.shared import shared

SEED = "3959a598-c7c0-4321-ae2f-f45e5ff144e4@arm.com"
HELPERS = {"modify_prot_start_ptes", "modify_prot_commit_ptes"}
PGTABLE = "include/linux/pgtable.h"

SERIES = {  # version: patches that are there, patches that are missing (corpus/lore/MANIFEST.tsv)
    1: (6, (4,)),
    2: (6, (3,)),
    3: (5, ()),
    4: (4, ()),
    5: (6, (7,)),
}


REVIEWED = {  # what reviewers pointed out in each version and a rule covers (docs/reviews.md)
    1: {("PT402", "change_pte_range")},
    2: {("PT402", "change_pte_range")},
    3: {("PT402", "change_pte_range"), ("PT701", "modify_prot_commit_ptes")},
    4: {("PT402", "change_pte_range"), ("PT406", "change_pte_range")},
    5: {("PT406", "commit_anon_folio_batch")},
}


ELSEWHERE: dict[str, set[tuple[str, str]]] = {  # the same of series whose helpers need a tree to run
    "lazy-mmu-nesting-v3": set(),
    "lazy-mmu-nesting-v5": {("PT701", "lazy_mmu_mode_resume")},
    "lazy-mmu-nesting-v5-thread": {("PT701", "lazy_mmu_mode_resume")},
    "contpte-v5": set(),
    "consolidate-lazy-mmu-v1": set(),
    "ppc-pte-needs-flush-v1": set(),
    "ppc-pte-needs-flush-v2": set(),
}


def report_of(path: Path, tree: Path | None = None, *archs: str) -> Report:
    return check(CheckRequest(inputs=(str(path),), tree=tree, archs=archs, cwd=path.parent))


def places(report: Report) -> list[tuple[str, str, str]]:
    return [(finding.code, finding.span.path, finding.function) for finding in report.findings]


def functions(report: Report) -> set[tuple[str, str]]:
    return {(finding.span.path, finding.function) for finding in report.findings}


def seed(folder: Path) -> Path:
    """Return a mailbox that holds the reply that started it all, and nothing else."""
    thread = mailbox.mbox(shared("corpus/lore/mprotect-batch-v4-thread.mbox"))
    (mail,) = [mail for mail in thread if SEED in str(mail["Message-ID"])]
    path = folder / "seed.mbox"
    path.write_bytes(mail.as_bytes(unixfrom=True))
    return path


@pytest.mark.parametrize("kind", ["", "-thread"])
@pytest.mark.parametrize("version", SERIES)
def test_the_series_is_found_and_its_helpers_hold_without_a_tree(version: int, kind: str) -> None:
    if (version, kind) == (1, "-thread"):
        return  # the corpus has no thread of it
    report = report_of(shared(f"corpus/lore/mprotect-batch-v{version}{kind}.mbox"))
    assert report.series is not None
    assert (report.series.version, len(report.series.patches), report.series.missing) == (version, *SERIES[version])
    if version == 2:  # its patch 3, which is missing, brings the generic helpers; those of arm64 need its headers
        told = {entry.what for entry in report.left_out if entry.kind == "needs-tree"}
        assert {"modify_prot_commit_ptes()", "ptep_modify_prot_start()"} <= told
    else:
        assert set(report.coverage.functions_simulated) >= HELPERS
        assert [entry for entry in report.not_executed if entry.function in HELPERS] == []
    said = [finding for finding in report.findings if not from_seed(finding)]
    assert {(finding.code, finding.function) for finding in said} == REVIEWED[version]
    assert [finding for finding in said if finding.counterexample is not None] == []
    assert any(map(from_seed, report.findings)) == ((version, kind) == (4, "-thread"))


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_reviewers_pointed_out_elsewhere_is_found_in_the_mail_alone(name: str) -> None:
    report = report_of(shared(f"corpus/lore/{name}.mbox"))
    assert {(finding.code, finding.function) for finding in report.findings} == ELSEWHERE[name]


def from_seed(finding: Finding) -> bool:
    return finding.patch is not None and finding.patch.message_id == SEED


def test_the_bare_reply_gives_the_helpers_and_what_its_author_proposes(tmp_path: Path) -> None:
    report = report_of(seed(tmp_path))
    assert report.series is not None
    assert set(report.coverage.functions_simulated) >= HELPERS
    kinds = {proposal.kind: proposal.function for proposal in report.series.proposals}
    assert kinds == {"function": "modify_prot_commit_ptes", "statement": "modify_prot_commit_ptes"}
    (finding,) = report.findings
    assert from_seed(finding)
    assert (finding.code, finding.function, finding.severity.value) == ("PT102", "modify_prot_commit_ptes", "warning")
    assert finding.patch is not None
    assert finding.patch.index == 0
    assert finding.counterexample is not None


@pytest.mark.slow
def test_with_the_tree_the_missed_flush_of_the_radix_mmu_is_named(tmp_path: Path, kernel: Path) -> None:
    report = report_of(seed(tmp_path), kernel, "powerpc/radix")
    (finding,) = report.findings
    assert from_seed(finding)
    assert (finding.code, finding.severity.value, finding.archs) == ("PT102", "error", ("powerpc/radix",))
    seen = " ".join(note.text for note in finding.notes if note.kind == "seen-by")
    assert "flush" in seen
    assert "arch/powerpc/mm/book3s64/" in seen
    assert report.patches[0].reason  # 7.3 has the helpers: the patch does not apply, and that is said


@pytest.mark.slow
@pytest.mark.parametrize("version", [4, 5])
def test_with_the_tree_the_series_gives_what_reviewers_pointed_out(version: int, kernel: Path) -> None:
    report = report_of(shared(f"corpus/lore/mprotect-batch-v{version}.mbox"), kernel, "x86+noparavirt")
    assert {(code, function) for code, _, function in places(report)} == REVIEWED[version]
    assert set(report.coverage.functions_simulated) >= HELPERS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arch", "path", "function"),
    [
        ("m02-commit-old-pte-assigned-from-pte", "powerpc/radix", PGTABLE, "modify_prot_commit_ptes"),
        ("m03-commit-pte-not-advanced", "x86+noparavirt", PGTABLE, "modify_prot_commit_ptes"),
        ("m05-start-collects-from-accumulator", "x86+noparavirt", PGTABLE, "modify_prot_start_ptes"),
        ("m16-arm64-commit-sets-one", "arm64+nocontpte", "arch/arm64/mm/mmu.c", "modify_prot_commit_ptes"),
        (
            "m22-powerpc-start-non-atomic",
            "powerpc/radix",
            "arch/powerpc/mm/book3s64/pgtable.c",
            "ptep_modify_prot_start",
        ),
    ],
)
def test_a_mistake_is_found_where_it_is(name: str, arch: str, path: str, function: str, kernel: Path) -> None:
    report = report_of(shared(f"bench/mutants/{name}.patch"), kernel, arch)
    assert functions(report) == {(path, function)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "b01-commit-while-loop",
        "b04-commit-do-while",
        "b07-start-bool-accumulators",
        "b10-wrprotect-for-index",
        "b13-mprotect-subbatch-temporaries",
    ],
)
def test_a_refactoring_gives_nothing(name: str, kernel: Path) -> None:
    report = report_of(shared(f"bench/mutants/{name}.patch"), kernel, "x86+noparavirt")
    assert places(report) == []
    assert report.coverage.functions_changed != ()
