"""Patches found in the quotes of replies: what is recovered, what is assumed, what is lost."""

from io import BytesIO

import pytest

from ptlint.core.patch import Patch
from ptlint.mail import read_series, read_sources
from ptlint.mail.quotes import authors_by_depth, recover_patch, split_quotes
from tests.mail.letters import DIFF, letter, quoted, series
from tests.shared import shared

PATCH_MAIL = "Say why.\n\nSigned-off-by: A Author <author@example.org>\n" + DIFF
ATTRIBUTION = "On Mon, 2 Feb 2026 at 10:00, A Author wrote:\n"


def reply(body: str, subject: str = "Re: [PATCH v2 2/3] mm: part 2") -> bytes:
    """Return a reply to the patch ``patch@example.org``."""
    return letter(
        subject,
        body,
        From="R Reviewer <reviewer@example.org>",
        To="A Author <author@example.org>",
        Message_ID="<reply@example.org>",
        In_Reply_To="<patch@example.org>",
        References="<cover@example.org> <patch@example.org>",
    )


def recovered(body: str) -> Patch:
    (patch,) = series(reply(body))
    return patch


def original() -> Patch:
    (patch,) = series(letter("[PATCH] mm: part 2", PATCH_MAIL))
    return patch


def lines_of(patch: Patch) -> list[tuple[str, bytes]]:
    return [(line.kind, line.text) for file in patch.files for hunk in file.hunks for line in hunk.lines]


def test_a_quoted_patch_is_recovered_as_the_patch_of_the_quoted_author() -> None:
    result = series(reply(ATTRIBUTION + quoted(PATCH_MAIL) + "\nFine.\n"))
    (patch,) = result
    assert result.inferred == {"patches-from-quotes", "cover"}
    assert lines_of(patch) == lines_of(original())
    assert (patch.ref.index, patch.ref.total, patch.ref.message_id) == (2, 3, "patch@example.org")
    assert patch.author == "A Author <author@example.org>"
    assert patch.body.startswith("Say why.")
    assert patch.notes[0].endswith("at quote depth 1")
    assert not [note for note in patch.notes if note.startswith("lost")]


def test_a_quoted_patch_is_recovered_at_its_depth_between_comments_of_others() -> None:
    text = quoted(PATCH_MAIL, ">>> ").replace(
        ">>> +\t\tcount", ">> Is this needed?\n>>\n> I think so.\n>\n>>> +\t\tcount"
    )
    patch = recovered(f"> Someone wrote:\n{text}\nYes.\n")
    assert lines_of(patch) == lines_of(original())
    assert "depth 3" in patch.notes[0]


def test_wrapped_lines_and_headers_are_joined_again() -> None:
    text = quoted(PATCH_MAIL).replace("pte_t *ptep, unsigned int", "pte_t *ptep,\n> unsigned int")
    text = text.replace("a/mm/entry.c b/mm/entry.c", "a/mm/entry.c\n> b/mm/entry.c")
    patch = recovered(text)
    assert lines_of(patch) == lines_of(original())
    assert patch.files[0].hunks[0].section == original().files[0].hunks[0].section
    assert any("2 line(s) wrapped" in note for note in patch.notes)


def test_no_break_spaces_and_stuffed_context_are_restored_and_lost_tabs_are_said() -> None:
    damaged = (
        "".join(
            ("\xa0" if line.startswith(" ") else "") + line.replace("\t", "\xa0\xa0\xa0 ")
            for line in DIFF.splitlines(True)
        )
        .replace("@@ -10,8 +10,9", "@@ -10,9 +10,10")
        .replace("-- \n", " }\n-- \n".replace(" }", "\xa0 }"))
    )
    patch = recovered(quoted(damaged))
    assert all(b"\xa0" not in text for _, text in lines_of(patch))
    assert lines_of(patch)[-1] == (" ", b"}")
    assert [text.split() for _, text in lines_of(patch)[:-1]] == [text.split() for _, text in lines_of(original())]
    said = " ".join(patch.notes)
    assert "U+00A0" in said
    assert "tabs were turned to spaces" in said


def test_an_empty_context_line_joined_to_the_next_is_split_off_again() -> None:
    damaged = quoted(DIFF).replace("> -\t\tcommit", ">   -\t\tcommit").replace("-10,8 +10,9", "-10,9 +10,10")
    patch = recovered(damaged)
    kinds = "".join(kind for kind, _ in lines_of(patch))
    assert "  --+++" in kinds
    assert any("restored" in note for note in patch.notes)


def test_empty_context_lines_that_a_client_dropped_are_restored_when_a_header_follows() -> None:
    second = "diff --git a/mm/b.c b/mm/b.c\n--- a/mm/b.c\n+++ b/mm/b.c\n@@ -1 +1 @@\n-a\n+b\n"
    text = quoted(DIFF.split("-- \n")[0].replace("\n \n", "\n") + second)
    patch = recovered(text)
    (hunk,) = patch.files[0].hunks
    assert [line.text for line in hunk.lines if line.kind == " "].count(b"") == 2
    assert any("assumed place" in note for note in patch.notes)


def test_a_cut_is_reported_as_lost_and_what_stands_together_is_kept() -> None:
    text = quoted(DIFF).replace("> -\t\tptep++;\n", "[...]\n")
    patch = recovered(text)
    assert any(note.startswith("lost: mm/entry.c: the hunk at line 10") for note in patch.notes)
    assert [len(hunk.lines) for hunk in patch.files[0].hunks] == [4, 6]
    assert all(hunk.old_count == len(hunk.preimage().splitlines()) for hunk in patch.files[0].hunks)


def test_counts_that_do_not_come_out_are_never_guessed() -> None:
    recovery = recover_patch(quoted(DIFF.replace("+\t\tcount_entry(vma);\n", "")).splitlines())
    assert recovery is not None
    assert recovery.lost


def test_quote_marks_without_a_space_are_understood() -> None:
    assert lines_of(recovered(quoted(PATCH_MAIL, ">"))) == lines_of(original())


def test_the_fullest_quote_of_a_patch_is_taken() -> None:
    short = reply(quoted(DIFF[: DIFF.index("+\t\told_pte")]))
    whole = reply(quoted(PATCH_MAIL)).replace(b"<reply@", b"<other@")
    (patch,) = series(short, whole)
    assert lines_of(patch) == lines_of(original())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("On 1 Feb 2026, at 10:00, Jane Q. Doe <j@example.org> wrote:", "Jane Q. Doe"),
        ("On Sun, Feb 01, 2026 at 10:00:00AM +0100, Jane Doe wrote:", "Jane Doe"),
        ("On 01/02/2026 10:00, Jane Doe wrote:", "Jane Doe"),
        ("Jane Doe <j@example.org> writes:", "Jane Doe"),
    ],
)
def test_an_attribution_line_names_who_is_quoted(text: str, name: str) -> None:
    assert authors_by_depth(split_quotes([text, "> hello"])) == {1: name}


def test_the_reply_that_started_it_gives_its_patch_alone() -> None:
    box = read_sources([shared("corpus/lore/mprotect-batch-v4-thread.mbox")], BytesIO())
    seed = [raw for raw in box if b"\nMessage-ID: <3959a598-" in raw.data]
    (patch,) = read_series(seed)
    whole = read_series(box).patches[1]
    assert patch.ref == whole.ref
    assert [file.path for file in patch.files] == ["include/linux/pgtable.h", "mm/mprotect.c"]
    assert [b"".join(text.split()) for _, text in lines_of(patch)] == [
        b"".join(text.split()) for _, text in lines_of(whole)
    ]
    assert [kind for kind, _ in lines_of(patch)] == [kind for kind, _ in lines_of(whole)]


def test_lines_that_lost_their_quote_marks_when_they_were_wrapped_end_the_line_above() -> None:
    cut = "struct vm_area_struct *vma, pte_t *ptep,"
    text = quoted(PATCH_MAIL).replace(f"{cut} unsigned int", f"{cut}\nunsigned int")
    patch = recovered(text)
    assert lines_of(patch) == lines_of(original())
    assert patch.files[0].hunks[0].section.endswith(b"unsigned int")
    assert any("assumed to end" in note or "wrapped" in note for note in patch.notes)
