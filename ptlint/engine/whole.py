"""The series that a single mail is part of: b4 hands a check of the series nothing but its cover letter."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ptlint.core.patch import Series
from ptlint.engine.b4 import TRACKING_FILE, read_tracking
from ptlint.engine.inputs import commits, fetched
from ptlint.engine.request import CheckRequest
from ptlint.errors import PtlintError, SeriesUnknown
from ptlint.mail.message import Mail, read_mails
from ptlint.mail.raw import RawMail
from ptlint.mail.series import read_series


def whole_series(mails: Sequence[RawMail], request: CheckRequest, folder: Path | None) -> Series:
    """Return the series of the first of *mails*: the commits under review in b4, else its thread, else itself.

    Raises SeriesUnknown when none of these has a patch.
    """
    first = read_mails(mails)[0]
    reviewed = _under_review(first, request, folder)
    if reviewed is not None:
        return reviewed
    is_alone = first.is_patch and (first.subject.total or 1) == 1
    if is_alone:
        return read_series(mails, request.revision)
    if not first.message_id:
        raise SeriesUnknown(f"{first.where}: the mail has no Message-ID, so the rest of its series cannot be found")
    try:
        return fetched(f"<{first.message_id}>", request)
    except PtlintError as error:
        raise SeriesUnknown(f"the series of <{first.message_id}> is not at hand: {error}") from error


def _under_review(first: Mail, request: CheckRequest, folder: Path | None) -> Series | None:
    """Return the commits of the series that b4 has under review, None when it says nothing of *first*."""
    path = os.environ.get(TRACKING_FILE)
    if not path or folder is None:
        return None
    tracking = read_tracking(Path(path))
    if tracking is None or (first.message_id and first.message_id not in tracking.message_ids):
        return None
    try:
        return commits(folder, tracking.commits_of(tracking.branch), request.max_commits)
    except PtlintError:
        return None  # the branch is gone or was rewritten: the thread still has the series
