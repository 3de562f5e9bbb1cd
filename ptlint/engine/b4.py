"""What b4 notes about a series under review: in the last, empty commit of its branch, and in a file for checks."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TRACKING_FILE = "B4_TRACKING_FILE"
"""The variable that names the file in the environment of a check."""

MAX_BYTES = 16 << 20
_MARK = "--- b4-review-tracking ---"
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_CHANGE = re.compile(r"[\w.+@%-]+(?:/[\w.+@%-]+)*")


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer noted on one patch. ``skipped`` says that it is not to be reviewed.

    ``notes`` is all text of each reviewer, by mail address.
    """

    skipped: bool
    notes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Tracking:
    """A series under review. ``first_patch`` is the commit of patch 1; ``message_ids`` those of cover and patches."""

    change_id: str
    first_patch: str
    message_ids: frozenset[str]
    patches: tuple[Review, ...]
    series_notes: Mapping[str, str]

    @property
    def branch(self) -> str:
        """Return the branch that b4 keeps the series on."""
        return f"b4/review/{self.change_id}"

    def commits_of(self, tip: str) -> str:
        """Return the range of the patches when *tip* is the commit with the tracking data."""
        return f"{self.first_patch}~1..{tip}~1"


def read_tracking(path: Path) -> Tracking | None:
    """Return what the file *path* says, None when it is no tracking data of b4."""
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        return parse_tracking(path.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


def tracking_in_message(message: str) -> Tracking | None:
    """Return what the message of a review branch's last commit says, None when it is none."""
    _, mark, text = message.partition(_MARK)
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return parse_tracking("\n".join(lines)) if mark else None


def parse_tracking(text: str) -> Tracking | None:
    """Return tracking data from its JSON, None when it lacks what names the commits."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    series = _mapping(_mapping(document).get("series"))
    change_id, first = str(series.get("change-id", "")), str(series.get("first-patch-commit", ""))
    if not _CHANGE.fullmatch(change_id) or ".." in change_id or not _COMMIT.fullmatch(first):
        return None
    listed = _mapping(document).get("patches")
    patches = [_mapping(patch) for patch in listed] if isinstance(listed, list) else []
    ids = (_mapping(one.get("header-info")).get("msgid") for one in (series, *patches))
    return Tracking(
        change_id,
        first,
        frozenset(str(one).strip("<> ") for one in ids if one),
        tuple(Review(patch.get("patch-state") == "skip" or _is_skipped(patch), _notes(patch)) for patch in patches),
        _notes(series),
    )


def _is_skipped(patch: Mapping[str, Any]) -> bool:
    reviews = _mapping(patch.get("reviews"))
    return any(_mapping(review).get("patch-state") == "skip" for review in reviews.values())


def _notes(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of each reviewer's note and comments."""
    notes = {}
    for email, review in _mapping(entry.get("reviews")).items():
        comments = _mapping(review).get("comments")
        texts = [str(_mapping(one).get("text", "")) for one in comments] if isinstance(comments, list) else []
        notes[str(email)] = "\n\n".join([str(_mapping(review).get("note", "")), *texts])
    return notes


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
