"""The answer on a series that concerns no page tables, before rules, profiles and the simulator are even imported."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from ptlint import __version__
from ptlint.core.patch import Series
from ptlint.core.report import Coverage, PatchStatus, Report
from ptlint.engine.concern import may_concern
from ptlint.engine.request import CheckRequest


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


def _files(series: Series, folder: Path) -> Mapping[str, list[bytes]]:
    """Return the files that *series* changes, as HEAD and its base have them; those of neither are not in it."""
    paths = sorted({path for patch in series.patches for file in patch.files if (path := file.old_path)})
    if not (folder / ".git").exists() and not (folder / "HEAD").exists():
        return {path: [data] for path in paths if (data := _on_disk(folder, path)) is not None}
    from ptlint.tree.peek import peek

    revisions = ["HEAD", *([series.base_commit] if series.base_commit else [])]
    names = [f"{revision}:{path}" for path in paths for revision in revisions]
    found: dict[str, list[bytes]] = {}
    for name, data in zip(names, peek(folder, names), strict=True):
        if data is not None:
            found.setdefault(name.partition(":")[2], []).append(data)
    return found


def _on_disk(folder: Path, path: str) -> bytes | None:
    try:
        full = (folder / path).resolve()
        return full.read_bytes() if full.is_relative_to(folder.resolve()) and full.is_file() else None
    except OSError:
        return None
