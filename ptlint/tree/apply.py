"""A patch laid over a snapshot in memory, with the result that ``git am`` would commit.

The checks, their order and the in-patch bookkeeping (a file renamed away, a file that two parts of a patch touch) are
those of ``check_patch()`` and ``previous_patch()`` in git's ``apply.c``.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.core.patch import FilePatch, LeftOut, Patch
from ptlint.core.tree import Snapshot, unread
from ptlint.tree.content import DoesNotApplyError, content_after
from ptlint.tree.modes import REGULAR, SUBMODULE, canonical, kind
from ptlint.tree.result import Applied, FileResult
from ptlint.tree.safety import path_fault
from ptlint.tree.state import Blob, Extras, State
from ptlint.tree.words import hunk_header, summary


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
    keeps what does apply. Raises TreeError when too much of the tree cannot be read.
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
        after, offsets = content_after(file, before.data if before else b"")
    except DoesNotApplyError as error:
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
            raise DoesNotApplyError(f"{path} was renamed or deleted by an earlier part of the same patch")
    else:
        blob = work.state.blob(path)
    if blob is None:
        if _may_be_new(file):
            return None
        why = unread(work.state.snapshot).get(path)
        raise DoesNotApplyError(f"{path}: {why}" if why else f"{path} does not exist in the tree")
    if file.old_mode is not None and kind(canonical(file.old_mode)) != kind(blob.mode):
        raise DoesNotApplyError(f"{path} is of another type (mode {blob.mode:o}) than the patch expects")
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
            raise DoesNotApplyError(f"the path {path!r} {fault}")
    target = file.new_path
    if target is None:
        return
    if file.old_path is None or file.is_rename or file.is_copy:
        makes_room = target in work.doomed or (target in work.written and work.written[target] is None)
        there = work.state.blob(target)
        if there is not None and not makes_room:
            raise _already_there(file, there)
    for folder in _above(target):
        blob = work.written[folder] if folder in work.written else work.state.blob(folder)
        if blob is not None and kind(blob.mode) != kind(REGULAR):
            raise DoesNotApplyError(f"{target} is beyond the symbolic link or submodule {folder}")


def _already_there(file: FilePatch, there: Blob) -> DoesNotApplyError:
    reason = f"{file.path} already exists in the tree"
    wanted = b"".join(hunk.postimage() for hunk in file.hunks)
    same = file.old_path is None and there.data == wanted
    if same:
        reason += ", with the bytes that the patch brings: it looks already applied"
    return DoesNotApplyError(reason, FileResult(file.path, "failed", reason, is_already_applied=same))


def _new_mode(file: FilePatch, before: Blob | None) -> int:
    """Return the mode after the part: what it sets, else what was there. An ``index`` line's mode sets nothing."""
    if before is None:
        return canonical(file.new_mode) if file.new_mode is not None else REGULAR
    sets = file.new_mode is not None and file.new_mode != file.old_mode
    return canonical(file.new_mode) if sets and file.new_mode is not None else before.mode


def _check_folders(after: State, work: _Work) -> list[FileResult]:
    """Fail the parts whose new file stands where the tree has a folder, or below a file."""
    made = {path for path in work.made if work.state.blob(path) is None}
    folders = {folder for path, data in after.snapshot.changed.items() if data is not None for folder in _above(path)}
    clashing = {
        path
        for path in made
        if path in folders or after.is_folder(path) or any(after.blob(folder) is not None for folder in _above(path))
    }
    return [
        FileResult(result.path, "failed", f"{result.path} cannot be both a file and a folder")
        if result.path in clashing and result.how != "failed"
        else result
        for result in work.results
    ]


def _above(path: str) -> Iterator[str]:
    """Yield the folders that *path* stands in."""
    while path := path.rpartition("/")[0]:
        yield path


def _left_out(patch: Patch, results: list[FileResult]) -> tuple[LeftOut, ...]:
    """Return what of the patch is not in the snapshot."""
    found: list[LeftOut] = []
    source = patch.source
    for result in results:
        if result.how == "left-out":
            found.append(LeftOut("submodule", result.path, result.reason, source))
        elif result.rejected:
            for one in result.rejected:
                what = f"hunk {hunk_header(one.hunk)} of patch {patch.ref.index}"
                found.append(LeftOut("hunk", what, one.reason, result.path, one.line))
        elif result.how == "failed":
            found.append(LeftOut("file", result.path, result.reason, source))
    return tuple(found)
