"""The processes of a scan: pieces are handed out in groups that need the same headers, and come back as they end."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from ptlint.core.patch import LeftOut
from ptlint.engine.request import CheckRequest
from ptlint.engine.scanner import Part, Piece

if TYPE_CHECKING:
    from ptlint.engine.scan import Listing, Scan

MOST_FILES = 12
"""Generic files of a group: few enough that no process is left alone at the end."""


def parts_of(
    scan: Scan, request: CheckRequest, jobs: int, use_store: bool, progress: Callable[[str], None]
) -> Iterator[Part]:
    """Yield the parts of all pieces of *scan*, in their order, whatever process made which when."""
    found = {piece: part for piece in scan.pieces if (part := scan.known(piece)) is not None}
    left = [piece for piece in scan.pieces if piece not in found]
    total = len(scan.pieces)
    if jobs < 2 or len(left) < 2:
        for piece in left:
            progress(f"{piece.name} ({len(found)} of {total})")
            found[piece] = scan.part(piece)
    else:
        for pieces, parts in _in_processes(scan, _grouped(left), request, jobs, use_store):
            found.update(zip(pieces, parts, strict=True))
            progress(f"{pieces[-1].name} ({len(found)} of {total})")
    yield from (found[piece] for piece in scan.pieces)


def _grouped(pieces: Sequence[Piece]) -> list[tuple[Piece, ...]]:
    """Return groups of *pieces*: each profile, the files of each architecture, and generic ones by the dozen."""
    groups: dict[str, list[Piece]] = {}
    number = 0
    for piece in pieces:
        if piece.kind != "file":
            key = f"{piece.kind} {piece.name}"
        elif piece.name.startswith("arch/"):
            key = "/".join(piece.name.split("/")[:2])
        else:
            key, number = f"generic {number // MOST_FILES}", number + 1
        groups.setdefault(key, []).append(piece)
    return sorted((tuple(group) for group in groups.values()), key=len, reverse=True)


_Group = tuple[tuple[Piece, ...], tuple[Part, ...]]


def _in_processes(
    scan: Scan, groups: Sequence[tuple[Piece, ...]], request: CheckRequest, jobs: int, use_store: bool
) -> Iterator[_Group]:
    pool = ProcessPoolExecutor(min(jobs, len(groups)), initializer=_begin, initargs=(request, use_store, scan.listing))
    try:
        pending: dict[Future[tuple[Part, ...]], tuple[Piece, ...]] = {pool.submit(_scan, one): one for one in groups}
        for done in as_completed(pending):
            pieces = pending[done]
            try:
                yield pieces, done.result()
            except BrokenProcessPool:
                yield pieces, tuple(_lost(piece) for piece in pieces)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _lost(piece: Piece) -> Part:
    reason = "the process that scanned it was ended from outside (out of memory?); --jobs 1 needs less"
    return Part(left_out=(LeftOut("lost", piece.name, reason),))


_OWN: list[Scan] = []
"""The scan of this worker process."""


def _begin(request: CheckRequest, use_store: bool, listing: Listing) -> None:
    from ptlint.engine.scan import prepare

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is told as well, and ends its workers
    _OWN.append(prepare(request, use_store, listing))


def _scan(pieces: tuple[Piece, ...]) -> tuple[Part, ...]:
    return tuple(_OWN[0].part(piece) for piece in pieces)
