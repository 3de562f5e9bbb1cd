"""Which series a reviewer means, and what is said to be left out."""

from collections import Counter

import pytest

from ptlint.core.patch import Series
from ptlint.errors import InputError, UsageError
from ptlint.mail import read_series
from tests.mail.letters import DIFF, every_series, letter, mails, series, submission

FIRST = "20260101.1-1-author@example.org"
SECOND = "20260101.1-2-author@example.org"


def answer(subject: str, to: str, body: str = "Say why.\n" + DIFF) -> bytes:
    """Return a mail that replies to the message *to*."""
    return letter(subject, body, Message_ID=f"<answer-{len(subject)}@example.org>", In_Reply_To=f"<{to}>")


def kinds(result: Series) -> Counter[str]:
    return Counter(left.kind for left in result.left_out)


def test_patches_stand_in_the_order_of_their_counters() -> None:
    cover, first, second, third = submission(2, 3, "20260101.1")
    result = series(third, first, cover, second)
    assert [patch.ref.index for patch in result] == [1, 2, 3]
    assert (result.title, result.version, result.expected, result.missing) == ("mm: batch entries", 2, 3, ())
    assert result.inferred == frozenset()
    assert result.patches[0].trailers[0].value == "A Author <author@example.org>"


def test_the_newest_version_is_chosen_and_another_can_be_asked_for() -> None:
    box = [*submission(1, 2, "20260101.1"), *submission(2, 3, "20260202.1", reply_to="20260101.1-0-author@example.org")]
    newest = series(*box)
    assert (newest.version, len(newest.patches)) == (2, 3)
    assert kinds(newest) == {"other-version": 1}
    older = read_series(mails(*box), revision=1)
    assert (older.version, len(older.patches)) == (1, 2)
    with pytest.raises(UsageError, match="v1, v2"):
        read_series(mails(*box), revision=7)
    assert len(every_series(*box)) == 2


def test_a_loose_fix_up_never_wins_over_the_series() -> None:
    fixup = answer("[PATCH v9] mm: part 1 - fix for one architecture", FIRST)
    inline = letter(
        "Re: [PATCH v2 2/3] mm: part 2", Message_ID="<in@example.org>", In_Reply_To="<20260101.1-2-author@example.org>"
    )
    result = series(*submission(2, 3, "20260101.1"), fixup, inline)
    assert (result.version, len(result.patches)) == (2, 3)
    assert kinds(result) == {"fix-up": 2}


def test_one_patch_sent_again_does_not_win_over_the_series() -> None:
    again = letter(
        "[PATCH v3 2/3] mm: part 2", Message_ID="<again@example.org>", In_Reply_To="<20260101.1-2-author@example.org>"
    )
    result = series(*submission(2, 3, "20260101.1"), again)
    assert (result.version, len(result.patches)) == (2, 3)


def test_a_message_chooses_its_series() -> None:
    one = submission(1, 2, "20260101.1", title="mm: one")
    other = submission(1, 3, "20260202.1", title="mm: quite another")
    reply = answer("Re: [PATCH 2/2] mm: part 2", SECOND, "Fine.\n")
    box = mails(*one, *other, reply)
    assert read_series(box, message_id="20260202.1-0-author@example.org").title == "mm: quite another"
    assert read_series(box, message_id="<answer-26@example.org>").title == "mm: one"
    with pytest.raises(UsageError, match=r"nobody@example\.org"):
        read_series(box, message_id="nobody@example.org")


def test_a_missing_patch_is_said_and_a_cover_need_not_be_there() -> None:
    _, first, _, third = submission(1, 3, "20260101.1")
    result = series(first, third)
    assert (result.missing, len(result.patches), result.expected) == ((2,), 2, 3)
    assert result.inferred == {"cover", "version"}


def test_format_patch_files_without_message_ids_are_one_series() -> None:
    files = [
        letter("[PATCH 2/2] mm: part 2", From="b <b@example.org>"),
        letter("[PATCH 1/2] mm: part 1", From="a <a@example.org>"),
    ]
    assert [patch.author for patch in series(*files)] == ["a <a@example.org>", "b <b@example.org>"]


def test_unrelated_patches_with_equal_counters_stay_apart() -> None:
    first = letter("[PATCH 1/2] mm: one", From="A <a@example.org>", Message_ID="<a-1-x@example.org>")
    second = letter("[PATCH 2/2] net: other", From="B <b@example.org>", Message_ID="<b-2-y@example.org>")
    assert [len(one.patches) for one in every_series(first, second)] == [1, 1]


def test_text_that_looks_like_a_diff_is_none_in_covers_and_messages() -> None:
    cover = letter(
        "[PATCH 0/1] mm: batch", "Before:\n\n    diff --git a/x b/x\n\n" + DIFF, Message_ID="<c@example.org>"
    )
    message = "Before:\n\n  diff --git a/x b/x\n  --- a/x\n  +++ b/x\n  @@ -1 +1 @@\n@@ -1,3 +1,4 @@\n\nSay why.\n"
    patch = letter("[PATCH 1/1] mm: batch", message + DIFF, In_Reply_To="<c@example.org>", Message_ID="<p@example.org>")
    result = series(cover, patch)
    assert [file.path for file in result.patches[0].files] == ["mm/entry.c"]
    assert result.patches[0].body == message.strip()


def test_base_commit_and_prerequisites_are_read_below_the_diff() -> None:
    trailing = "\nbase-commit: " + "ab" * 20 + "\nprerequisite-patch-id: " + "cd" * 20 + "\n"
    result = series(letter("[PATCH] mm: batch", "Say why.\n" + DIFF + trailing))
    assert result.base_commit == "ab" * 20
    assert result.prerequisite_patch_ids == ("cd" * 20,)
    assert len(result.patches[0].files[0].hunks[0].lines) == 11


def test_a_bare_diff_is_a_series_of_one_patch() -> None:
    result = series(DIFF.split("\n", 4)[4].encode())
    assert (len(result.patches), result.expected) == (1, 1)
    assert "counters" in result.inferred


def test_the_same_mail_twice_counts_once() -> None:
    box = submission(1, 2, "20260101.1")
    result = series(*box, *box)
    assert (len(result.patches), kinds(result)) == (2, {"duplicate": 3})


def test_a_damaged_diff_is_left_out_with_a_reason() -> None:
    result = series(letter("[PATCH] mm: batch", "Say why.\n" + DIFF.replace("+10,9", "+10,19")))
    (left,) = result.left_out
    assert left.kind == "corrupt-patch"
    assert "11 quoted lines of it are kept" in left.reason
    assert "hunk of line 9" in result.patches[0].damaged
    assert result.patches[0].files[0].path == "mm/entry.c"


def test_a_diff_that_the_sender_wrapped_is_repaired_and_it_is_said() -> None:
    wrapped = DIFF.replace("pte_t *ptep, unsigned int", "pte_t *ptep,\nunsigned int")
    (patch,) = series(letter("[PATCH] mm: batch", "Say why.\n" + wrapped))
    (whole,) = series(letter("[PATCH] mm: batch", "Say why.\n" + DIFF))
    assert patch.files[0].hunks[0].postimage() == whole.files[0].hunks[0].postimage()
    assert any("joined again" in note for note in patch.notes)


def test_recipients_and_references_are_kept_for_a_reply() -> None:
    (patch,) = series(
        letter(
            "[PATCH] mm: batch",
            To='"Doe, J" <j@example.org>, k@example.org',
            Cc="l@example.org (L, of course)",
            References="<a@example.org>\n <b@example.org>",
            In_Reply_To="<b@example.org>",
        )
    )
    assert patch.to == ('"Doe, J" <j@example.org>', "k@example.org")
    assert patch.cc == ("l@example.org (L, of course)",)
    assert (patch.in_reply_to, patch.references) == ("b@example.org", ("a@example.org", "b@example.org"))


def test_mail_without_any_patch_gets_one_sentence() -> None:
    with pytest.raises(InputError, match=r"none of the 2 mail"):
        series(letter("hello", "No patch.\n"), letter("Re: hello", "> No patch.\n\nNone.\n"))


def test_a_diff_whose_indentation_became_no_break_spaces_is_repaired_and_it_is_said() -> None:
    damaged = DIFF.replace("\n ", "\n\xa0")
    (patch,) = series(letter("[PATCH] mm: batch", "Say why.\n" + damaged))
    (whole,) = series(letter("[PATCH] mm: batch", "Say why.\n" + DIFF))
    assert patch.files[0].hunks[0].preimage() == whole.files[0].hunks[0].preimage()
    assert any("U+00A0" in note for note in patch.notes)


def test_no_break_spaces_in_added_lines_are_kept_and_said() -> None:
    (patch,) = series(letter("[PATCH] mm: batch", "Say why.\n" + DIFF.replace("+\t\tcount", "+\xa0\xa0count")))
    assert any(line.text.startswith("\xa0\xa0count".encode()) for line in patch.files[0].hunks[0].lines)
    assert any("kept" in note for note in patch.notes)


def test_a_revision_is_one_of_the_work_at_hand_and_a_reply_belongs_to_its_version() -> None:
    other = letter("[PATCH] mm: something else", Message_ID="<other@example.org>")
    note = "> +\t\told_pte = next_entry(old_pte);\n\nCould be:\n\n\told_pte = pte;\n"
    reply = answer("Re: [PATCH 2/2] mm: part 2", SECOND, note)
    box = mails(other, *submission(1, 2, "20260101.1"), *submission(2, 3, "20260202.1"), reply)
    first = read_series(box, revision=1)
    assert (first.title, len(first.proposals)) == ("mm: batch entries", 1)
    assert read_series(box).proposals == ()
