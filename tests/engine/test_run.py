"""The run over patches: who brings a defect, who repairs it, what was there before, and what is said at the end."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ptlint.__main__ import main
from ptlint.core.report import Report
from ptlint.engine.request import CheckRequest
from ptlint.engine.run import check
from ptlint.report._text import patch_name
from tests.kernels import PGTABLE, SMALL, Change, diff_of, mail, mailbox, replaced, text_of

ARM64 = "arch/arm64/include/asm/pgtable.h"
ONE = "x86+noparavirt"

ADVANCE = "\t\told_pte = pte_next_pfn(old_pte);\n"
STALE = replaced(ADVANCE, "\t\told_pte = pte;\n")
GOOD = {PGTABLE: text_of()}
COMMENT = {"mm/mprotect.c": text_of("mm/mprotect.c").replace("The caller holds", "Our caller holds")}
SHORT = replaced("\tset_ptes(vma->vm_mm, addr, ptep, pte, nr);\n", "\tset_pte(ptep, pte);\n", ARM64)
CALLER = replaced("\tpte_t oldpte, ptent;\n", "\tpte_t oldpte;\n\tpte_t ptent;\n", "mm/mprotect.c")


def report_of(folder: Path, *changes: Change, tree: Path | None = SMALL, archs: tuple[str, ...] = (ONE,)) -> Report:
    """Check a series of *changes* on the small tree."""
    return report_on(folder, mailbox(*changes), tree, archs)


def report_on(folder: Path, text: str, tree: Path | None = SMALL, archs: tuple[str, ...] = (ONE,)) -> Report:
    box = folder / "series.mbox"
    box.write_text(text)
    return check(CheckRequest(inputs=(str(box),), tree=tree, archs=archs if tree else (), cwd=folder))


def test_a_defect_is_reported_against_the_patch_that_brings_it(tmp_path: Path) -> None:
    report = report_of(tmp_path, CALLER, STALE, {**COMMENT, "mm/mprotect.c": CALLER["mm/mprotect.c"] + "\n"})
    (finding,) = report.findings
    assert finding.patch is not None
    assert (finding.code, finding.patch.index, finding.fixed_by) == ("PT102", 2, None)
    assert (finding.span.path, finding.function) == (PGTABLE, "modify_prot_commit_ptes")


def test_a_defect_that_a_later_patch_repairs_names_it(tmp_path: Path) -> None:
    report = report_of(tmp_path, CALLER, STALE, GOOD)
    (finding,) = report.findings
    assert finding.patch is not None
    assert finding.fixed_by is not None
    assert (finding.patch.index, finding.fixed_by.index) == (2, 3)


def test_a_defect_that_only_a_caller_does_not_show_is_not_repaired(tmp_path: Path) -> None:
    """The last patch changes a caller of the broken helper: what runs of it then says nothing of the helper."""
    report = report_of(tmp_path, STALE, CALLER)
    (finding,) = report.findings
    assert finding.patch is not None
    assert (finding.code, finding.patch.index, finding.fixed_by) == ("PT102", 1, None)


def test_a_defect_that_was_there_before_is_silent(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for path in (
        PGTABLE,
        "include/linux/mm_types.h",
        "include/linux/types.h",
        "arch/x86/include/asm/pgtable.h",
        "mm/mprotect.c",
    ):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(STALE.get(path, "") or text_of(path))
    renamed = (
        STALE[PGTABLE]
        .replace("unsigned int i;", "unsigned int k;")
        .replace("(i = 0; i < nr; i++", "(k = 0; k < nr; k++")
    )
    assert renamed != STALE[PGTABLE]
    report = report_on(tmp_path, mailbox({PGTABLE: renamed}, tree=tree), tree)
    assert report.findings == ()
    assert report.coverage.functions_simulated == ("modify_prot_commit_ptes",)
    again = report_on(tmp_path, mailbox(GOOD, {PGTABLE: renamed}, tree=tree), tree)
    assert [finding.patch.index for finding in again.findings if finding.patch] == [2]


def test_profiles_that_break_alike_are_one_finding(tmp_path: Path) -> None:
    report = report_of(tmp_path, STALE, archs=("x86", "arm64"))
    (finding,) = report.findings
    assert {"x86", "x86+xen"} <= set(finding.archs)
    assert not [arch for arch in finding.archs if arch.startswith("arm64")]
    assert list(finding.archs) == sorted(finding.archs)


def test_a_patch_below_arch_concerns_that_architecture(tmp_path: Path) -> None:
    report = report_of(tmp_path, SHORT, archs=("x86", "arm64"))
    (finding,) = report.findings
    assert (finding.code, finding.span.path) == ("PT105", ARM64)
    assert {arch.partition("+")[0] for arch in finding.archs} == {"arm64"}
    assert not [name for name in report.coverage.universes if name.startswith("x86")]


def test_what_one_run_shows_is_not_said_again_by_a_rule_that_yields(tmp_path: Path) -> None:
    """An override that breaks its contract also differs from the generic body."""
    box = tmp_path / "series.mbox"
    box.write_text(mailbox(SHORT))
    asked = CheckRequest(inputs=(str(box),), tree=SMALL, archs=("arm64",), cwd=tmp_path)
    assert [finding.code for finding in check(asked).findings] == ["PT105"]
    (finding,) = check(replace(asked, select=("PT304",))).findings
    assert (finding.span.path, finding.function) == (ARM64, "modify_prot_commit_ptes")


MARKED = """
struct folio;

extern void folio_mark_dirty(struct folio *folio);

static void clean_entries(struct vm_area_struct *vma, struct folio *folio, unsigned long addr, pte_t *ptep, int nr)
{
	for (; nr; nr--, ptep++, addr += PAGE_SIZE) {
		pte_t pte = ptep_get_and_clear(vma->vm_mm, addr, ptep);

		if (pte_dirty(pte))
			folio_mark_dirty(folio);
		set_pte(ptep, pte_mkclean(pte));
	}
}
"""
UNMARKED = MARKED.replace("\t\tif (pte_dirty(pte))\n\t\t\tfolio_mark_dirty(folio);\n", "")


def test_a_state_that_was_handed_on_before_and_is_no_longer_is_shown_by_a_run_once(tmp_path: Path) -> None:
    old = text_of("mm/mprotect.c")
    report = report_of(tmp_path, {"mm/mprotect.c": old + MARKED}, {"mm/mprotect.c": old + UNMARKED}, archs=("x86",))
    (finding,) = report.findings
    assert finding.patch is not None
    assert (finding.code, finding.function, finding.patch.index) == ("PT103", "clean_entries", 2)
    assert finding.counterexample is not None
    assert finding.counterexample.property == "dropped"


def test_a_function_that_is_new_may_clean_entries(tmp_path: Path) -> None:
    change = {"mm/mprotect.c": text_of("mm/mprotect.c") + UNMARKED}
    assert report_of(tmp_path, change, archs=("x86",)).findings == ()


@pytest.mark.parametrize("text", ["\tset_pte(ptep, (pte);\n}\n", "\tset_pte(ptep, pte); /* left open\n}\n"])
def test_a_function_that_is_not_closed_is_listed_as_not_read(tmp_path: Path, text: str) -> None:
    head = "#include <linux/pgtable.h>\n\nvoid store_one(pte_t *ptep, pte_t pte)\n{\n"
    report = report_of(tmp_path, {"mm/open.c": head + text})
    told = [(one.kind, one.source, one.line) for one in report.left_out if one.what == "store_one"]
    assert told == [("not-read", "mm/open.c", 3)]
    assert report.findings == ()


def test_rules_that_need_no_run_start_none(tmp_path: Path) -> None:
    box = tmp_path / "series.mbox"
    box.write_text(mailbox(STALE))
    asked = CheckRequest(inputs=(str(box),), tree=SMALL, archs=("x86",), cwd=tmp_path)
    assert check(replace(asked, select=("PT102",))).coverage.universes != ()
    assert check(replace(asked, select=("PT702",))).coverage.universes == ()


def test_changed_comments_and_blanks_are_no_change(tmp_path: Path) -> None:
    respaced = text_of().replace("\tunsigned int i;\n\n", "\tunsigned int i;\n\n\t/* one by one */\n")
    report = report_of(tmp_path, COMMENT, {PGTABLE: respaced})
    assert (report.findings, report.coverage.functions_changed, report.coverage.scenarios) == ((), (), 0)


def test_coverage_tells_what_changed_and_what_ran(tmp_path: Path) -> None:
    report = report_of(tmp_path, {**GOOD, **STALE, "mm/odd.c": "int odd(int x)\n{\n\treturn x | 1;\n}\n"})
    assert report.coverage.functions_changed == ("modify_prot_commit_ptes", "odd")
    assert report.coverage.functions_simulated == ("modify_prot_commit_ptes",)
    assert report.coverage.universes == (ONE,)
    assert report.coverage.scenarios > 1000
    assert report.base == "plain tree"


def test_a_change_of_a_helper_below_is_seen_through_the_batch(tmp_path: Path) -> None:
    x86 = "arch/x86/include/asm/pgtable.h"
    lossy = replaced("return __pte(xchg(&ptep->pte, 0));", "set_pte(ptep, __pte(0)); return __pte(0);", x86)
    report = report_of(tmp_path, lossy)
    assert {finding.function for finding in report.findings} == {"ptep_get_and_clear"}
    assert {finding.span.path for finding in report.findings} == {x86}


# --- without a tree, and where a patch does not apply -----------------------------------------------------------------


def test_without_a_tree_whole_functions_run_in_the_reference_universe(tmp_path: Path) -> None:
    helpers = text_of()[text_of().index("#ifndef modify_prot_start_ptes") : text_of().rindex("#endif /*")]
    before = {PGTABLE: "int first;\n", ARM64: "int other;\n"}
    override = text_of(ARM64)[text_of(ARM64).index("#define modify_prot_commit_ptes") : text_of(ARM64).rindex("#endif")]
    after = {
        PGTABLE: before[PGTABLE] + helpers.replace(ADVANCE, "\t\told_pte = pte;\n"),
        ARM64: before[ARM64] + override,
    }
    report = report_on(tmp_path, mail("[PATCH] mm: batches", diff_of(before, after)), tree=None)
    assert [(finding.code, finding.archs) for finding in report.findings] == [("PT102", ("reference",))]
    assert [(status.applied, status.how) for status in report.patches] == [(True, "no-tree")]
    kinds = {entry.kind: entry.what for entry in report.left_out}
    assert kinds["needs-tree"] == "modify_prot_commit_ptes()"
    assert "no-tree" in kinds


def test_without_a_tree_parts_of_functions_are_listed(tmp_path: Path) -> None:
    report = report_on(tmp_path, mailbox(CALLER, context=4), tree=None)
    (entry,) = [entry for entry in report.left_out if entry.kind == "not-whole"]
    assert (entry.what, entry.source) == ("change_present_batch()", "mm/mprotect.c")
    assert report.findings == ()


def test_functions_of_a_patch_that_does_not_apply_run_in_place_of_the_trees(tmp_path: Path) -> None:
    helpers = text_of()[text_of().index("#ifndef modify_prot_start_ptes") : text_of().rindex("#endif /*")]
    before, after = (
        "int first;\nint last;\n",
        "int first;\n" + helpers.replace(ADVANCE, "\t\told_pte = pte;\n") + "int last;\n",
    )
    report = report_on(tmp_path, mail("[PATCH] mm: batches", diff_of({PGTABLE: before}, {PGTABLE: after})))
    assert [finding.code for finding in report.findings] == ["PT102"]
    assert [(status.applied, status.how) for status in report.patches] == [(False, "failed")]
    assert report.patches[0].reason


def test_a_function_of_an_earlier_patch_is_known_as_a_later_one_leaves_it(tmp_path: Path) -> None:
    helpers = text_of()[text_of().index("#ifndef modify_prot_start_ptes") : text_of().rindex("#endif /*")]
    base, first = "int first;\nint last;\n", f"int first;\n{helpers}int last;\n"
    second = "int one;\nint two;\nint three;\n" + first.replace(ADVANCE, "\t\told_pte = pte;\n")
    diffs = diff_of({PGTABLE: base}, {PGTABLE: first}), diff_of({PGTABLE: first}, {PGTABLE: second}, context=1)
    mails = [mail(f"[PATCH {number}/2] mm: batches", diff, number) for number, diff in enumerate(diffs, start=1)]
    for tree in (SMALL, None):
        report = report_on(tmp_path, "".join(mails), tree)
        (finding,) = report.findings
        assert finding.patch is not None
        assert (finding.code, finding.patch.index) == ("PT102", 2)
        assert second.split("\n")[finding.span.line - 1] == finding.line_text
        assert [entry for entry in report.left_out if entry.kind == "not-whole"] == []


def test_a_file_of_which_only_a_part_could_be_changed_is_not_judged_as_it_stands(tmp_path: Path) -> None:
    """The hunk that renames the override applies, the one that brings another under its name does not."""
    renamed = text_of(ARM64).replace("inline void modify_prot_commit_ptes(", "inline void __modify_prot_commit_ptes(")
    body = "static inline void modify_prot_commit_ptes(void)\n{\n}\n"
    before = f"int first;\nint second;\nint third;\nint fourth;\n{text_of(ARM64)}"
    after = f"int first;\nint second;\n{body}int third;\nint fourth;\n{renamed}"
    whole = report_on(tmp_path, mailbox({ARM64: renamed}), archs=("arm64+nocontpte",))
    assert {finding.code for finding in whole.findings} == {"PT303"}
    torn = report_on(tmp_path, mail("[PATCH] x", diff_of({ARM64: before}, {ARM64: after})), archs=("arm64+nocontpte",))
    assert [entry.source for entry in torn.left_out if entry.kind == "hunk"] == [ARM64]
    assert torn.findings == ()


FORMED = """\
static int batch_of(struct folio *folio, pte_t *ptep, pte_t pte, int max_nr)
{
	if (max_nr == 1)
		return 1;

	return folio_pte_batch(folio, ptep, pte, max_nr);
}
"""
PUT_BACK = """\
static void move_batch(struct folio *folio, struct mm_struct *mm, unsigned long addr, pte_t *from, pte_t *to, int max)
{
	pte_t pte = ptep_get(from);
	int nr = batch_of(folio, from, pte, max);

	pte = get_and_clear_ptes(mm, addr, from, nr);
	set_ptes(mm, addr, to, pte, nr);
}
"""


@pytest.mark.parametrize("tree", [SMALL, None])
def test_each_place_of_a_story_has_the_line_that_it_is_about(tmp_path: Path, tree: Path | None) -> None:
    """The second patch moves what the first one brought, and neither applies."""
    base = "".join(f"int before_{number};\n" for number in range(30)) + "int last;\n"
    first = base.replace("int last;\n", FORMED + "int last;\n")
    second = "".join(f"int new_{number};\n" for number in range(9)) + first.replace("int last;\n", PUT_BACK)
    diffs = diff_of({"mm/x.c": base}, {"mm/x.c": first}), diff_of({"mm/x.c": first}, {"mm/x.c": second}, context=1)
    mails = [mail(f"[PATCH {number}/2] mm: batches", diff, number) for number, diff in enumerate(diffs, start=1)]
    report = report_on(tmp_path, "".join(mails), tree)
    (finding,) = [one for one in report.findings if one.code == "PT402"]
    assert second.split("\n")[finding.span.line - 1] == finding.line_text == "\tset_ptes(mm, addr, to, pte, nr);"
    (formed,) = [one for one in finding.related if one.function == "batch_of"]
    assert second.split("\n")[formed.span.line - 1] == formed.line_text
    assert "folio_pte_batch(folio" in formed.line_text


def test_a_function_that_is_no_c_is_listed(tmp_path: Path) -> None:
    report = report_of(tmp_path, {"mm/odd.c": "static void set_odd(pte_t *ptep)\n{\n\tpte_t pte = @;\n}\n"})
    entries = [(entry.what, entry.source, entry.line) for entry in report.left_out if entry.kind == "not-read"]
    assert entries == [("set_odd()", "mm/odd.c", 1)]


def test_a_function_that_the_trees_callers_do_not_fit_is_not_run_in_its_place(tmp_path: Path) -> None:
    helpers = text_of()[text_of().index("#ifndef modify_prot_start_ptes") : text_of().rindex("#endif /*")]
    head = "unsigned long addr, pte_t *ptep, pte_t old_pte, pte_t pte,"
    assert helpers.count(head) == 1
    strange = helpers.replace(head, "pte_t *ptep, unsigned long addr, pte_t old_pte, pte_t pte,")
    after = "int first;\n" + strange.replace(ADVANCE, "\t\told_pte = pte;\n") + "int last;\n"
    diff = diff_of({PGTABLE: "int first;\nint last;\n"}, {PGTABLE: after})
    report = report_on(tmp_path, mail("[PATCH] mm: batches", diff))
    assert [entry.what for entry in report.left_out if entry.kind == "other-parameters"] == [
        "modify_prot_commit_ptes()"
    ]
    assert [finding for finding in report.findings if finding.counterexample is not None] == []
    assert "modify_prot_start_ptes" in report.coverage.functions_simulated


ATOMIC = """\
#define __HAVE_ARCH_PTEP_GET_AND_CLEAR
static inline pte_t ptep_get_and_clear(struct mm_struct *mm,
		unsigned long addr, pte_t *ptep)
{
	return __pte(xchg(&ptep->pte, 0));
}
"""


@pytest.mark.parametrize("instead", ["", f"#ifdef CONFIG_ABSENT\n{ATOMIC}#endif\n"])
def test_the_generic_body_runs_where_a_patch_takes_the_override_away(instead: str, tmp_path: Path) -> None:
    change = replaced(ATOMIC, instead, ARM64)
    report = report_of(tmp_path, change, archs=("arm64+nocontpte",))
    places = {(finding.code, finding.span.path, finding.function) for finding in report.findings}
    assert ("PT109", ARM64, "ptep_get_and_clear") in places
    assert {place[1:] for place in places} == {(ARM64, "ptep_get_and_clear")}
    assert "ptep_get_and_clear" in report.coverage.functions_changed


# --- what reviewers propose -------------------------------------------------------------------------------------------


def reply(lines: list[str], number: int = 7) -> str:
    """Return a reply to the first patch whose body is *lines*."""
    head = (
        "From reviewer@example.org Mon Mar  2 12:00:00 2026\n"
        "From: A. Reviewer <reviewer@example.org>\n"
        "Subject: Re: [PATCH] mm: change 1\n"
        "Date: Mon, 2 Mar 2026 12:00:00 +0000\n"
        f"Message-ID: <20260302.2-{number}-reviewer@example.org>\n"
        "In-Reply-To: <20260302.1-1-dev@example.org>\n\n"
        "On 02/03/2026 11:00, A. Developer wrote:\n"
    )
    return head + "\n".join(lines) + "\n\n"


ADDED = text_of().replace("unsigned int i;", "unsigned int k;").replace("(i = 0; i < nr; i++", "(k = 0; k < nr; k++")
QUOTED = ["> " + line for line in diff_of(GOOD, {PGTABLE: ADDED}, context=9).splitlines()]


def test_a_statement_that_a_reviewer_proposes_is_checked_against_the_reply(tmp_path: Path) -> None:
    at = next(n for n, line in enumerate(QUOTED) if "ptep_modify_prot_commit(vma" in line)
    body = [*QUOTED[: at + 1], "", "I think this needs", "", "\told_pte = pte;", "", "here?", "", *QUOTED[at + 1 :]]
    report = report_on(tmp_path, mailbox({PGTABLE: ADDED}, context=9) + reply(body))
    assert report.series is not None
    assert [proposal.kind for proposal in report.series.proposals] == ["statement"]
    found = [finding for finding in report.findings if finding.patch and finding.patch.index == 0]
    assert [finding.code for finding in found] == ["PT102"]
    assert found[0].patch is not None
    assert found[0].patch.message_id == "20260302.2-7-reviewer@example.org"
    assert [finding for finding in report.findings if finding not in found] == []


def test_a_function_that_a_reviewer_proposes_holds(tmp_path: Path) -> None:
    text = text_of()
    start = text.index("static inline void modify_prot_commit_ptes")
    function = text[start : text.index("\n}\n", start) + 3].replace("unsigned int i;", "unsigned int n;")
    function = function.replace("(i = 0; i < nr; i++", "(n = 0; n < nr; n++")
    body = [*QUOTED, "", "How about:", "", *function.splitlines()]
    report = report_on(tmp_path, mailbox({PGTABLE: ADDED}, context=9) + reply(body))
    assert report.series is not None
    assert [proposal.kind for proposal in report.series.proposals] == ["function"]
    assert report.findings == ()


def test_each_of_two_proposals_of_a_reply_is_named_and_shows_its_own_code(tmp_path: Path) -> None:
    at = next(n for n, line in enumerate(QUOTED) if "ptep_modify_prot_commit(vma" in line)
    start = ADDED.index("static inline void modify_prot_commit_ptes")
    function = ADDED[start : ADDED.index("\n}\n", start) + 3].replace(ADVANCE, "")
    body = [*QUOTED[: at + 1], "", "I think this needs", "", "\told_pte = pte;", "", "here?", "", *QUOTED[at + 1 :]]
    body += ["", "Or how about:", "", *function.splitlines()]
    report = report_on(tmp_path, mailbox({PGTABLE: ADDED}, context=9) + reply(body))
    assert [finding.code for finding in report.findings] == ["PT102", "PT102"]
    for finding in report.findings:
        assert finding.patch is not None
        text = report.seen_from(finding).sources[PGTABLE].decode()
        is_statement = finding.patch.proposed == "old_pte = pte;"
        assert ("\told_pte = pte;" in text) == is_statement
        assert (ADVANCE in text) == is_statement
    assert {patch_name(finding.patch).split(" proposed")[0] for finding in report.findings if finding.patch} == {
        '"old_pte = pte;"',
        '"modify_prot_commit_ptes()"',
    }


def test_a_proposal_without_a_place_is_listed(tmp_path: Path) -> None:
    stranger = ["static inline void strange_commit_ptes(pte_t *ptep)", "{", "\tset_pte(ptep, __pte(0));", "}"]
    report = report_on(
        tmp_path,
        mailbox({PGTABLE: ADDED}, context=9) + reply([*QUOTED[:12], "> +\treturn;", "", "\tnr--;", "", *stranger]),
    )
    assert report.series is not None
    told = [entry for entry in report.left_out if entry.kind == "proposal"]
    assert len(told) + len({finding.patch for finding in report.findings}) <= len(report.series.proposals)


# --- the same answer --------------------------------------------------------------------------------------------------


def test_two_runs_give_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    box = tmp_path / "series.mbox"
    box.write_text(mailbox(STALE, SHORT, GOOD))
    answers = []
    for _ in range(2):
        assert main(["check", str(box), "--tree", str(SMALL), "--arch", f"{ONE},arm64", "--format", "json"]) == 1
        answers.append(capsys.readouterr().out)
    assert answers[0] == answers[1]
    document: dict[str, Any] = json.loads(answers[0])
    assert [finding["patch"]["index"] for finding in document["findings"]] == [1, 2]
