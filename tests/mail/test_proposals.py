"""C that reviewers propose: found, told from prose and from cited code, and put in its place."""

from io import BytesIO

import pytest

from ptlint.core.patch import Proposal
from ptlint.mail import read_series, read_sources
from ptlint.mail.ccode import is_function, is_statement
from tests.mail.letters import DIFF, letter, quoted, series
from tests.shared import shared

BODY = """\
Say why.
---
diff --git a/mm/entry.c b/mm/entry.c
--- a/mm/entry.c
+++ b/mm/entry.c
@@ -1,2 +1,13 @@
 /* Entries. */
+static void commit_entries(struct vma *vma, pte_t *ptep, pte_t old_pte, pte_t pte, int nr)
+{
+\tint i;
+
+\tfor (i = 0; i < nr; i++) {
+\t\tcommit_entry(vma, ptep, old_pte, pte);
+\t\tptep++;
+\t\told_pte = pte_next_pfn(old_pte);
+\t}
+}
+
 /* More. */
"""
STEP = "> +\t\told_pte = pte_next_pfn(old_pte);\n"


def proposals(comment: str, *, at: str = STEP, with_patch: bool = True) -> tuple[Proposal, ...]:
    """Return what a reply proposes that says *comment* below the quoted line *at*."""
    patch = letter("[PATCH 1/1] mm: batch", BODY, Message_ID="<patch@example.org>")
    assert at in quoted(BODY)
    reply = letter(
        "Re: [PATCH 1/1] mm: batch",
        "On 02/02/2026 10:00, A Author wrote:\n" + quoted(BODY).replace(at, f"{at}\n{comment}\n"),
        From="R Reviewer <reviewer@example.org>",
        Message_ID="<reply@example.org>",
        In_Reply_To="<patch@example.org>",
    )
    return series(*([patch] if with_patch else []), reply).proposals


@pytest.mark.parametrize("with_patch", [True, False])
def test_a_statement_under_a_quoted_line_is_a_proposal(with_patch: bool) -> None:
    (proposal,) = proposals("Could be:\n\n\told_pte = pte;\n\nNo?", with_patch=with_patch)
    assert (proposal.kind, proposal.text, proposal.function) == ("statement", "old_pte = pte;\n", "commit_entries")
    assert proposal.replaces == ("old_pte = pte_next_pfn(old_pte);",)
    assert proposal.after[-2:] == ("\t\tptep++;", "\t\told_pte = pte_next_pfn(old_pte);")
    assert proposal.author == "R Reviewer <reviewer@example.org>"
    assert proposal.answers is not None
    assert proposal.ref.message_id == "reply@example.org"
    assert proposal.source_line == 20


def test_a_statement_that_replaces_nothing_is_added() -> None:
    (proposal,) = proposals("You need to add\n\n\tflush_entry(vma, ptep);")
    assert proposal.replaces == ()
    assert "added below" in proposal.notes[0]


def test_a_rewritten_function_is_a_proposal_with_spaces_for_tabs() -> None:
    text = (
        "How about something like:\n\n"
        "    static void commit_entries(struct vma *vma, pte_t *ptep, pte_t old_pte,\n"
        "\xa0                              pte_t pte, int nr)\n    {\n        while (nr--)\n"
        "            commit_entry(vma, ptep++, old_pte, pte);\n    }\n\nNeater."
    )
    (proposal,) = proposals(text)
    assert (proposal.kind, proposal.function) == ("function", "commit_entries")
    assert proposal.path == "mm/entry.c"
    assert proposal.text.startswith("static void commit_entries(")
    assert proposal.text.endswith("\n}\n")


def test_a_loop_replaces_the_loop_that_ends_the_quoted_code() -> None:
    loop = "can't this be:\n\n\twhile (nr--) {\n\t\tcommit_entry(vma, ptep++, old_pte, pte);\n\t}"
    (proposal,) = proposals(loop, at="> +\t}\n> +}\n")
    assert proposal.replaces[0] == "for (i = 0; i < nr; i++) {"
    assert proposal.replaces[-1] == "}"


@pytest.mark.parametrize(
    "comment",
    [
        "Thanks;",
        "Looks good to me; (really)",
        "But commit_entry() does:\n\n\tthis_cpu_read(mode);",
        "This sets *ptep in:\n\n\tcommit_entry(vma, ptep, old_pte, pte);",
        "We could sketch:\n\n\tfor (...) {\n\t\tx = 1;\n\t}",
        "That is = to the old one (mostly);",
        "The existing one is defined as:\n\nstatic int other(int a)\n{\n\treturn a;\n}",
        "diff --gibberish (a = b);",
    ],
)
def test_prose_cited_code_and_sketches_are_no_proposals(comment: str) -> None:
    assert proposals(comment) == ()


def test_code_in_the_message_of_the_patch_is_no_proposal() -> None:
    body = BODY.replace("Say why.\n", "It could be:\n\n\told_pte = pte;\n\n")
    patch = letter("[PATCH] mm: batch", body, Message_ID="<patch@example.org>")
    reply = letter("Re: [PATCH] mm: batch", quoted(body) + "\nFine.\n", In_Reply_To="<patch@example.org>")
    assert series(patch, reply).proposals == ()


def test_a_proposal_that_others_quote_is_reported_once_for_its_author() -> None:
    first = quoted(BODY).replace(STEP, f"{STEP}\nCould be:\n\n\told_pte = pte;\n")
    patch = letter("[PATCH] mm: batch", BODY, Message_ID="<patch@example.org>")
    mails = [patch]
    for number, body in enumerate([quoted(first), first]):
        mails.append(
            letter(
                "Re: [PATCH] mm: batch",
                body,
                From=f"R{number} <r{number}@example.org>",
                Message_ID=f"<{number}@example.org>",
                In_Reply_To="<patch@example.org>",
            )
        )
    (proposal,) = series(*mails).proposals
    assert proposal.author == "R1 <r1@example.org>"


def test_own_diff_of_a_reply_is_a_fix_up_and_its_lines_are_no_proposals() -> None:
    patch = letter("[PATCH] mm: batch", BODY, Message_ID="<patch@example.org>")
    reply = letter("Re: [PATCH] mm: batch", quoted(BODY) + "\nOn top:\n" + DIFF, In_Reply_To="<patch@example.org>")
    result = series(patch, reply)
    assert result.proposals == ()
    assert [left.kind for left in result.left_out] == ["fix-up"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("a = b;\n", True),
        ("if (a)\n\tf();\n", True),
        ("pte_t x = f();\n", True),
        ("foo bar;\n", False),
        ("agreed;\n", False),
    ],
)
def test_a_statement_has_an_effect(text: str, is_one: bool) -> None:
    assert is_statement(text) is is_one


def test_a_function_with_kernel_annotations_is_one() -> None:
    assert is_function("static __always_inline pte_t f(pte_t pte)\n{\n\treturn pte;\n}\n")
    assert not is_function("static pte_t f(pte_t pte)\n{\n\t...\n}\n")


def test_the_reply_that_started_it_proposes_a_function_and_a_statement() -> None:
    box = read_sources([shared("corpus/lore/mprotect-batch-v4-thread.mbox")], BytesIO())
    seed = [raw for raw in box if b"\nMessage-ID: <3959a598-" in raw.data]
    for mails in (seed, list(box)):
        statement, function = read_series(mails).proposals
        assert (statement.kind, statement.text) == ("statement", "old_pte = pte;\n")
        assert statement.replaces == ("old_pte = pte_next_pfn(old_pte);",)
        assert statement.function == function.function == "modify_prot_commit_ptes"
        assert function.text.count("pte_next_pfn") == 2
        assert statement.author == function.author == "Lorenzo Stoakes"
        assert statement.answers is not None
        assert statement.answers.message_id == "20250628113435.46678-3-dev.jain@arm.com"
