"""The answer on a series that concerns no page tables, before rules, profiles and the simulator are even imported."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ptlint import __version__
from ptlint.core.patch import Series
from ptlint.core.report import Coverage, PatchStatus, Report
from ptlint.engine.concern import may_concern
from ptlint.engine.request import CheckRequest

_ID = re.compile(r"[0-9a-f]{7,64}")


def early_report(request: CheckRequest, series: Series, folder: Path | None) -> Report | None:
    """Return a report without findings on a *series* that concerns no page tables, None when it may concern them.

    It names no rules and says nothing of whether patches apply: it is for formats that show findings alone.
    """
    if series.proposals or series.left_out or not _is_plain(request):
        return None
    there = _files(series, folder) if folder is not None else {}
    for patch in series.patches:
        if may_concern(patch, there.get if folder is not None else _nothing):
            return None
    status = tuple(PatchStatus(patch.ref.index, True, "not-tried", "") for patch in series.patches)
    return Report(series, "", status, (), (), (), Coverage(), (), __version__)


def _is_plain(request: CheckRequest) -> bool:
    """Return whether no option of *request* is left unchecked when rules and profiles are not looked at."""
    return not (request.rules_dirs or request.select or request.ignore or request.archs or request.config)


def _nothing(path: str) -> Iterable[bytes]:
    """Return what a run without a tree knows of a file beside its patch."""
    return ()


_READ_FROM_ELSEWHERE = ("arch/", "include/", "mm/")
"""Where the files stand whose content counts even when only another commit may have them."""


def _files(series: Series, folder: Path) -> Mapping[str, list[bytes]]:
    """Return the files that *series* changes: as HEAD and its base have them, and as the patches name them.

    A file that none of these has is known to be none of the tree's, and without content, unless it stands where page
    tables are: then it is left out, as is what cannot be read.
    """
    blobs = {file.old_path: file.old_blob or "" for patch in series.patches for file in patch.files if file.old_path}
    if not (folder / ".git").exists() and not (folder / "HEAD").exists():
        there = {path: _on_disk(folder, path) for path in blobs}
        return {path: [data] for path, data in there.items() if data or (data == b"" and _may_be_absent(path))}
    from ptlint.tree.peek import peek

    found: dict[str, list[bytes]] = {}
    revisions = ["HEAD", *([series.base_commit] if series.base_commit else [])]
    names = [(path, f"{revision}:{path}") for path in blobs for revision in revisions]
    names += [(path, blob) for path, blob in blobs.items() if _ID.fullmatch(blob) and blob.strip("0")]
    for (path, _), data in zip(names, peek(folder, [name for _, name in names]), strict=True):
        if data is not None:
            found.setdefault(path, []).append(data)
    return {path: texts for path, texts in found.items() if any(texts) or _may_be_absent(path)}


def _may_be_absent(path: str) -> bool:
    return not path.startswith(_READ_FROM_ELSEWHERE)


def _on_disk(folder: Path, path: str) -> bytes | None:
    """Return the bytes of a file, ``b""`` when there is none, None when it cannot be read."""
    try:
        full = (folder / path).resolve()
        if not full.exists():
            return b""
        return full.read_bytes() if full.is_relative_to(folder.resolve()) and full.is_file() else None
    except OSError:
        return None
