"""Small kernels and mails about them, for tests of the whole: a change of files in, the mail of a patch out."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.shared import FIXTURES

SMALL = FIXTURES / "trees/small"
"""A tree of two architectures with batch helpers that hold; arm64 has a commit of its own."""

PGTABLE = "include/linux/pgtable.h"

Change = Mapping[str, str | None]
"""Files by path, as they are after a patch; None for one that it deletes."""


def text_of(path: str = PGTABLE, tree: Path = SMALL) -> str:
    """Return a file of a tree."""
    return (tree / path).read_text(encoding="utf-8")


def replaced(old: str, new: str, path: str = PGTABLE, tree: Path = SMALL) -> dict[str, str]:
    """Return the change of one file in which *old*, which is there once, is *new*."""
    text = text_of(path, tree)
    assert text.count(old) == 1, f"{path} holds {old!r} {text.count(old)} times"
    return {path: text.replace(old, new)}


def diff_of(before: Change, after: Change, context: int = 3) -> str:
    """Return the git diff from the files of *before* to those of *after*, without the headings of hunks."""
    parts = []
    for path in sorted(after):
        old, new = before.get(path), after[path]
        if old == new:
            continue
        head = f"diff --git a/{path} b/{path}\n"
        head += "new file mode 100644\n" if old is None else "deleted file mode 100644\n" if new is None else ""
        names = (f"a/{path}" if old is not None else "/dev/null", f"b/{path}" if new is not None else "/dev/null")
        lines = difflib.unified_diff((old or "").splitlines(True), (new or "").splitlines(True), *names, n=context)
        parts.append(head + "".join(lines))
    return "".join(parts)


def mailbox(
    *changes: Change,
    tree: Path = SMALL,
    subjects: Sequence[str] = (),
    numbers: Sequence[int] | None = None,
    context: int = 3,
) -> str:
    """Return the mails of a series that leads from *tree* through *changes*; only the patches *numbers* are sent."""
    now: dict[str, str | None] = {}
    mails = []
    for index, change in enumerate(changes, start=1):
        for path in change:
            if path not in now:
                now[path] = text_of(path, tree) if (tree / path).is_file() else None
        subject = subjects[index - 1] if subjects else f"mm: change {index}"
        counter = f" {index}/{len(changes)}" if len(changes) > 1 else ""
        mails.append(mail(f"[PATCH{counter}] {subject}", diff_of(now, change, context), index))
        now.update(change)
    sent = numbers if numbers is not None else range(1, len(changes) + 1)
    return "".join(mails[number - 1] for number in sent)


def mail(subject: str, diff: str, number: int = 1, text: str = "Say why.") -> str:
    """Return one mail of an mbox with a patch; the later ones reply to the first."""
    reply = "In-Reply-To: <20260302.1-1-dev@example.org>\n" if number > 1 else ""
    return (
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\n"
        "From: A. Developer <dev@example.org>\n"
        f"Subject: {subject}\n"
        f"Date: Mon, 2 Mar 2026 11:00:0{number % 10} +0000\n"
        f"Message-ID: <20260302.1-{number}-dev@example.org>\n{reply}"
        f"\n{text}\n\nSigned-off-by: A. Developer <dev@example.org>\n---\n{diff}--\n2.50.0\n\n"
    )
