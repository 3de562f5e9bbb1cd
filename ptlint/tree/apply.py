"""A patch laid over a snapshot in memory, with the result that ``git am`` would commit.

The checks, their order and the in-patch bookkeeping (a file renamed away, a file that two parts of a patch touch) are
those of ``check_patch()`` and ``previous_patch()`` in git's ``apply.c``.
"""

from dataclasses import dataclass, field

from ptlint.core.patch import FilePatch, LeftOut, Patch
from ptlint.core.tree import Snapshot, blob_id_of
from ptlint.tree.binary import BinaryPatchError, apply_binary
from ptlint.tree.image import Image, Sought, first_difference, lay, reversed_hunk, sought, split_lines
from ptlint.tree.modes import REGULAR, SUBMODULE, canonical, kind
from ptlint.tree.result import Applied, FileResult, Rejected
from ptlint.tree.safety import path_fault
from ptlint.tree.state import Blob, Extras, State
from ptlint.tree.words import hunk_header, quoted, summary

EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
"""The id of the empty blob, in SHA-1 and SHA-256."""


class _DoesNotApplyError(Exception):
    """Carries the result of a file that fails, and what to keep of it."""

    def __init__(self, reason: str, result: FileResult | None = None, kept: bytes | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result
        self.kept = kept


@dataclass(eq=False)
class _Work:
    """A patch in progress.

    ``doomed`` are the paths that some part removes. ``written`` is what the parts so far have left, None for a path
    that is gone. At the end git removes all of ``removed`` and then writes all of ``made``, in that order.
    """

    state: State
    doomed: frozenset[str]
    written: dict[str, Blob | None] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    made: dict[str, Blob] = field(default_factory=dict)
    results: list[FileResult] = field(default_factory=list)


def apply_patch(snapshot: Snapshot, patch: Patch, extras: Extras | None = None) -> Applied:
    """Apply *patch* to *snapshot* as ``git am`` would; *extras* are those of the patch before.

    Never raises for what a patch says. ``applied`` is all or nothing, as in git, while the snapshot of the answer
    keeps what does apply. Raises TreeError when the tree itself cannot be read.
    """
    state = State(snapshot, extras or Extras())
    work = _Work(state, frozenset(file.old_path for file in patch.files if file.old_path and _leaves(file)))
    for file in patch.files:
        work.results.append(_apply_file(work, file))
    changes: dict[str, Blob | None] = {**dict.fromkeys(work.removed), **work.made}
    after = state.with_blobs(changes, patch.ref)
    results = _check_folders(after, work)
    left_out = _left_out(patch, results)
    status = summary(patch, results)
    already = bool(results) and all(result.is_already_applied for result in results)
    return Applied(after.snapshot, status, tuple(results), left_out, after.extras, already)


def _leaves(file: FilePatch) -> bool:
    return file.new_path is None or file.is_rename


def _apply_file(work: _Work, file: FilePatch) -> FileResult:
    """Apply one part and book its outcome in *work*."""
    if SUBMODULE in (file.old_mode, file.new_mode):
        return FileResult(file.path, "left-out", f"{file.path} is a submodule, whose files are not in this repository")
    before = None
    try:
        before = _preimage(work, file)
        _check_target(work, file)
        after, offsets = _content(file, before.data if before else b"")
    except _DoesNotApplyError as error:
        if error.kept is not None and file.new_path:
            work.written[file.new_path] = work.made[file.new_path] = Blob(_new_mode(file, before), error.kept)
        return error.result or FileResult(file.path, "failed", error.reason)
    if _leaves(file) and file.old_path:
        work.removed.add(file.old_path)
        work.written[file.old_path] = None
    if file.new_path is not None:
        work.written[file.new_path] = work.made[file.new_path] = Blob(_new_mode(file, before), after)
    return FileResult(file.path, "offset" if any(offsets) else "clean", offsets=offsets)


def _preimage(work: _Work, file: FilePatch) -> Blob | None:
    """Return what the part is applied to, None for a new file; raise when it is not what the patch says."""
    path = file.old_path
    if path is None:
        return None
    previous_counts = not (file.is_rename or file.is_copy)  # renames and copies start from the tree, not in order
    if previous_counts and path in work.written:
        blob = work.written[path]
        if blob is None:
            raise _DoesNotApplyError(f"{path} was renamed or deleted by an earlier part of the same patch")
    else:
        blob = work.state.blob(path)
    if blob is None:
        if _may_be_new(file):
            return None
        raise _DoesNotApplyError(f"{path} does not exist in the tree")
    if file.old_mode is not None and kind(canonical(file.old_mode)) != kind(blob.mode):
        raise _DoesNotApplyError(f"{path} is of another type (mode {blob.mode:o}) than the patch expects")
    return blob


def _may_be_new(file: FilePatch) -> bool:
    """Return whether a diff without git's header may mean a new file: it has one hunk, which expects nothing."""
    plain = file.old_mode is None and file.old_blob is None and file.old_path == file.new_path
    return plain and len(file.hunks) == 1 and file.hunks[0].old_count == 0


def _check_target(work: _Work, file: FilePatch) -> None:
    """Raise when the path may not be touched, or a new file is there already."""
    for path in dict.fromkeys(path for path in (file.old_path, file.new_path) if path is not None):
        fault = path_fault(path, file.new_mode)
        if fault:
            raise _DoesNotApplyError(f"the path {path!r} {fault}")
    target = file.new_path
    if target is None:
        return
    if file.old_path is None or file.is_rename or file.is_copy:
        makes_room = target in work.doomed or (target in work.written and work.written[target] is None)
        there = work.state.blob(target)
        if there is not None and not makes_room:
            raise _already_there(file, there)
    parts = target.split("/")
    for depth in range(1, len(parts)):
        folder = "/".join(parts[:depth])
        blob = work.written[folder] if folder in work.written else work.state.blob(folder)
        if blob is not None and kind(blob.mode) != kind(REGULAR):
            raise _DoesNotApplyError(f"{target} is beyond the symbolic link or submodule {folder}")


def _already_there(file: FilePatch, there: Blob) -> _DoesNotApplyError:
    reason = f"{file.path} already exists in the tree"
    wanted = b"".join(hunk.postimage() for hunk in file.hunks)
    same = file.old_path is None and there.data == wanted
    if same:
        reason += ", with the bytes that the patch brings: it looks already applied"
    return _DoesNotApplyError(reason, FileResult(file.path, "failed", reason, is_already_applied=same))


def _new_mode(file: FilePatch, before: Blob | None) -> int:
    """Return the mode after the part: what it sets, else what was there. An ``index`` line's mode sets nothing."""
    if before is None:
        return canonical(file.new_mode) if file.new_mode is not None else REGULAR
    sets = file.new_mode is not None and file.new_mode != file.old_mode
    return canonical(file.new_mode) if sets and file.new_mode is not None else before.mode


def _content(file: FilePatch, before: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return the bytes after the part and how far its hunks moved."""
    if file.binary is not None:
        return _binary_content(file, before), ()
    if not file.hunks:
        return _content_without_hunks(file, before), ()
    if file.old_path is None and any(line.kind != "+" for hunk in file.hunks for line in hunk.lines):
        raise _DoesNotApplyError(f"{file.path} is said to be new, but the patch expects lines in it")
    if file.new_path is None and any(line.kind != "-" for hunk in file.hunks for line in hunk.lines):
        raise _DoesNotApplyError(f"{file.path} is said to be deleted, but the patch leaves lines in it")
    image = Image(split_lines(before))
    hunks = [sought(hunk) for hunk in file.hunks]
    offsets: list[int] = []
    rejected: list[Rejected] = []
    for hunk, wanted in zip(file.hunks, hunks, strict=True):
        changes = any(line.kind != " " for line in hunk.lines)
        moved = lay(image, wanted) if changes else None
        if moved is not None:
            offsets.append(moved)
            continue
        line, reason = _mismatch(file, image, wanted) if changes else (hunk.old_start, "the hunk changes nothing")
        rejected.append(Rejected(hunk, line, f"{file.old_path or file.path}: hunk {hunk_header(hunk)}: {reason}"))
    after = image.data()
    if rejected:
        raise _rejection(file, before, hunks, rejected, after, tuple(offsets))
    if file.new_path is None and after:
        raise _DoesNotApplyError(
            f"{file.path} is said to be deleted, but the tree has more lines than the patch removes"
        )
    return after, tuple(offsets)


def _mismatch(file: FilePatch, image: Image, wanted: Sought) -> tuple[int, str]:
    line, expected, found = first_difference(image, wanted)
    if not wanted.before or not expected:
        where = "at the start" if wanted.at_start else "at the end" if wanted.at_end else "there"
        return line, f"must stand {where} of the file, which has {len(image.lines)} lines"
    has = "the file ends" if found is None else f"the tree has {quoted(found)}"
    return line, f"expected {quoted(expected)} at line {line}, where {has}"


def _rejection(
    file: FilePatch,
    before: bytes,
    hunks: list[Sought],
    rejected: list[Rejected],
    kept: bytes,
    offsets: tuple[int, ...],
) -> _DoesNotApplyError:
    image = Image(split_lines(before))
    undone = all(lay(image, reversed_hunk(hunk)) is not None for hunk in hunks)
    reason = rejected[0].reason
    if len(rejected) > 1:
        reason += f" (and {len(rejected) - 1} more of its {len(hunks)} hunks)"
    if undone:
        reason += "; it looks already applied"
    result = FileResult(file.path, "failed", reason, offsets, tuple(rejected), undone)
    return _DoesNotApplyError(reason, result, kept if offsets and not undone else None)


def _content_without_hunks(file: FilePatch, before: bytes) -> bytes:
    """Return the unchanged bytes; raise when the ids say that a content change was left out of the patch."""
    old, new = _real_id(file.old_blob), _real_id(file.new_blob)
    if not (old.startswith(new) if len(new) < len(old) and new else new.startswith(old) if old else not new):
        reason = f"{file.path} changes in a way that the patch does not carry (a binary file without its data)"
        raise _DoesNotApplyError(reason)
    if file.new_path is None and before:
        raise _DoesNotApplyError(f"{file.path} is deleted as an empty file, but has {len(before)} bytes in the tree")
    return before


def _real_id(blob: str | None) -> str:
    """Return an id, empty for that of nothing: zeros, or the empty blob."""
    if not blob or not blob.strip("0") or any(empty.startswith(blob) for empty in EMPTY_BLOBS):
        return ""
    return blob


def _binary_content(file: FilePatch, before: bytes) -> bytes:
    """Return the bytes after a binary part. As git, ask for full ids and for exactly the old bytes."""
    old, new = file.old_blob or "", file.new_blob or ""
    is_full = len(old) == len(new) and len(new) in (40, 64)
    if (file.binary or b"").startswith(b"Binary files ") and not (is_full and not new.strip("0")):
        raise _DoesNotApplyError(f"{file.path} is a binary file that the patch carries no data for")
    if not is_full:
        raise _DoesNotApplyError(f"{file.path} is a binary patch without a full index line")
    if len(new) == 40 and file.old_path is not None and blob_id_of(before) != old:
        raise _DoesNotApplyError(f"{file.path} is binary and its bytes in the tree are not those the patch is for")
    if not new.strip("0"):
        return b""
    try:
        after = apply_binary(file.binary or b"", before)
    except BinaryPatchError as error:
        raise _DoesNotApplyError(f"{file.path}: {error}") from error
    if len(new) == 40 and blob_id_of(after) != new:
        raise _DoesNotApplyError(f"{file.path}: the binary patch does not make the bytes that its index line names")
    return after


def _check_folders(after: State, work: _Work) -> list[FileResult]:
    """Fail the parts whose new file stands where the tree has a folder, or below a file."""
    made = {path for path in work.made if work.state.blob(path) is None}
    clashing: set[str] = set()
    for path in made:
        parents = path.split("/")[:-1]
        above = ("/".join(parents[: depth + 1]) for depth in range(len(parents)))
        if after.is_folder(path) or any(after.blob(parent) is not None for parent in above):
            clashing.add(path)
    return [
        FileResult(result.path, "failed", f"{result.path} cannot be both a file and a folder")
        if result.path in clashing and result.how != "failed"
        else result
        for result in work.results
    ]


def _left_out(patch: Patch, results: list[FileResult]) -> tuple[LeftOut, ...]:
    """Return what of the patch is not in the snapshot."""
    found: list[LeftOut] = []
    source = patch.source
    for result in results:
        if result.how == "left-out":
            found.append(LeftOut("submodule", result.path, result.reason, source))
        elif result.rejected:
            for one in result.rejected:
                what = f"{result.path}: hunk {hunk_header(one.hunk)}"
                found.append(LeftOut("hunk", what, one.reason, source, one.line))
        elif result.how == "failed":
            found.append(LeftOut("file", result.path, result.reason, source))
    return tuple(found)
