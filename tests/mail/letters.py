"""Mails for the tests, written as mail clients write them."""

from ptlint.core.patch import Series
from ptlint.mail import RawMail, all_series, read_series
from ptlint.mail.sources import split_mails

DIFF = """\
---
 mm/entry.c | 5 +++--
 1 file changed, 3 insertions(+), 2 deletions(-)

diff --git a/mm/entry.c b/mm/entry.c
index 1234567890ab..abcdef012345 100644
--- a/mm/entry.c
+++ b/mm/entry.c
@@ -10,8 +10,9 @@ static void commit_entries(struct vm_area_struct *vma, pte_t *ptep, unsigned int
 \tpte_t old_pte = first_entry(ptep);
\x20
 \twhile (nr--) {
-\t\tcommit_entry(vma, ptep, old_pte);
-\t\tptep++;
+\t\tcommit_entry(vma, ptep++, old_pte);
+\t\told_pte = next_entry(old_pte);
+\t\tcount_entry(vma);
 \t}
\x20
 \tfinish_entries(vma);
--\x20
2.45.1
"""


def letter(
    subject: str, body: str = "Say why.\n\nSigned-off-by: A Author <author@example.org>\n" + DIFF, **fields: str
) -> bytes:
    """Return a mail with a header of *fields* (``_`` for ``-``); From and Date are there unless given."""
    header = {"From": "A Author <author@example.org>", "Date": "Mon, 2 Feb 2026 10:00:00 +0100", "Subject": subject}
    header |= {name.replace("_", "-"): value for name, value in fields.items()}
    return "".join(f"{name}: {value}\n" for name, value in header.items()).encode() + b"\n" + body.encode()


def mails(*letters: bytes) -> list[RawMail]:
    """Return mails as they come from one file each."""
    return [mail for number, data in enumerate(letters) for mail in split_mails(data, f"mail{number}")]


def series(*letters: bytes) -> Series:
    """Return the series that a reviewer means with these mails."""
    return read_series(mails(*letters))


def every_series(*letters: bytes) -> tuple[Series, ...]:
    """Return all series of these mails."""
    return all_series(mails(*letters))


def submission(
    version: int, total: int, stem: str, reply_to: str = "", title: str = "mm: batch entries"
) -> list[bytes]:
    """Return cover and patches as git send-email writes them: each replies to the cover."""
    tag = f"PATCH v{version}" if version > 1 else "PATCH"
    fields = {"Message_ID": f"<{stem}-0-author@example.org>"} | ({"In_Reply_To": f"<{reply_to}>"} if reply_to else {})
    cover = letter(f"[{tag} 0/{total}] {title}", "What it is about.\n", **fields)
    patches = [
        letter(
            f"[{tag} {index}/{total}] mm: part {index}",
            Message_ID=f"<{stem}-{index}-author@example.org>",
            In_Reply_To=f"<{stem}-0-author@example.org>",
        )
        for index in range(1, total + 1)
    ]
    return [cover, *patches]


def quoted(text: str, marks: str = "> ") -> str:
    """Return *text* as a mail client quotes it."""
    return "".join(f"{marks}{line}".rstrip() + "\n" for line in text.splitlines())
