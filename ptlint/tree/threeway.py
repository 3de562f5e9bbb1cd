"""What ``git am -3`` does when a patch does not apply as it is.

The files that the patch was made from are taken from the repository by the ids of its ``index`` lines, the patch is
applied to those, and the outcome is merged with the tree at hand: git's own merge, run on a scratch directory.
"""

from dataclasses import replace

from ptlint.core.patch import FilePatch, Patch
from ptlint.core.report import PatchStatus
from ptlint.core.tree import Snapshot, blob_id_of
from ptlint.errors import ObjectError
from ptlint.tree.apply import apply_patch
from ptlint.tree.gittree import GitTree
from ptlint.tree.modes import REGULAR
from ptlint.tree.repository import Repository
from ptlint.tree.result import Applied, FileResult
from ptlint.tree.scratch import Scratch, scratch
from ptlint.tree.state import Blob, BlobTree, State

MAX_MOVED = 500
"""Files that are looked at when a file of the patch is no longer where it was."""

_MIN_ID = 7
"""Digits an abbreviated id needs before it is believed."""


def merge(base: GitTree, state: State, patch: Patch, plain: Applied, made: dict[str, bytes]) -> Applied:
    """Return *patch* merged into *state*, or *plain* (the failed plain application) with the reason why not.

    *made* holds the blobs that ``git am`` would have stored for the patches so far, by id; a later patch may start
    from one. The files that this patch makes of its own base are added.
    """
    preimages = _preimages(base.repository, state, patch, made)
    if preimages is None:
        return plain
    theirs = apply_patch(Snapshot(BlobTree(preimages)), patch)
    made |= {blob_id_of(data): data for data in theirs.snapshot.changed.values() if data is not None}
    if not theirs.status.applied:
        return _failed(plain, "the patch does not even apply to the files that it names as its base")
    with scratch(base.repository) as place:
        merged = _merge_trees(place, base, state, preimages, theirs)
    if isinstance(merged, str):
        return _failed(plain, merged)
    return _merged(state, patch, merged)


def _preimages(repository: Repository, state: State, patch: Patch, made: dict[str, bytes]) -> dict[str, Blob] | None:
    """Return the files the patch was made from, or None when the repository lacks one."""
    files = _first_touches(patch)
    ids = repository.object_ids([file.old_blob or "-" for file in files])
    found: dict[str, Blob] = {}
    for file, known in zip(files, ids, strict=True):
        path = file.old_path or ""
        data = _preimage(repository, state, file, known, made)
        if data is None:
            return None
        found[path] = Blob(file.old_mode or REGULAR, data)
    return found


def _first_touches(patch: Patch) -> list[FilePatch]:
    """Return the parts that start from a file of the base: not from one that an earlier part made or changed."""
    found: list[FilePatch] = []
    seen: set[str | None] = {None}
    for file in patch.files:
        if file.old_path not in seen:
            found.append(file)
        seen |= {file.old_path, file.new_path}
    return found


def _preimage(
    repository: Repository, state: State, file: FilePatch, known: str | None, made: dict[str, bytes]
) -> bytes | None:
    short = file.old_blob
    if short is None and not file.hunks and file.binary is None:
        blob = state.blob(file.old_path or "")  # only the mode or the name changes: what is there will do
        return blob.data if blob else None
    if short is None or len(short) < _MIN_ID:
        return None
    matches = [data for object_id, data in made.items() if object_id.startswith(short)]
    if matches:
        return matches[0]
    try:
        found = repository.read(known) if known else None
    except ObjectError:  # as good as none: there is no merge then
        return None
    return found[1] if found and found[0] == "blob" else None


def _merge_trees(
    place: Scratch, base: GitTree, state: State, preimages: dict[str, Blob], theirs: Applied
) -> dict[str, Blob | None] | str:
    """Return what the merge changes in *state*, or why there is none."""
    brought: dict[str, Blob | None] = {path: theirs.state.blob(path) for path in theirs.snapshot.changed}
    paths = {*preimages, *brought, *_moved_to(base, state, preimages)}
    ours_tree = place.tree({path: state.blob(path) for path in paths})
    ancestor_tree = place.tree(preimages)
    theirs_tree = place.tree({**preimages, **brought})
    ancestor = place.commit(ancestor_tree)
    ours, other = place.commit(ours_tree, ancestor), place.commit(theirs_tree, ancestor)
    options = ("-c", "merge.directoryRenames=false", "-c", "merge.renames=true")
    answer = place.run(*options, "merge-tree", "--write-tree", "--name-only", "-z", ours, other)
    if answer.code == 1:
        names, _, _ = answer.output.partition(b"\0")[2].partition(b"\0\0")  # then come git's messages
        return f"the three-way merge conflicts in {names.decode('utf-8', 'replace').replace(chr(0), ', ')}"
    if answer.code:
        return f"git could not merge (merge-tree --write-tree needs git 2.38): {answer.complaint}"
    return place.changes(ours_tree, answer.output.split(b"\0")[0].decode("ascii"))


def _moved_to(base: GitTree, state: State, preimages: dict[str, Blob]) -> set[str]:
    """Return where files that are no longer at their place may have gone: the same bytes, the same name, or near by."""
    lost = [path for path in preimages if state.blob(path) is None]
    if not lost:
        return set()
    names = {path.rpartition("/")[2] for path in lost}
    ids = {blob_id_of(preimages[path].data) for path in lost}
    folders = {path.rpartition("/")[0] for path in lost}
    everywhere = (path for path in state.snapshot.paths() if path not in preimages)
    found: set[str] = set()
    for path in everywhere:
        folder, _, name = path.rpartition("/")
        if name in names or folder in folders or base.blob_id(path) in ids:
            found.add(path)
        if len(found) >= MAX_MOVED:
            break
    return found


def _failed(plain: Applied, reason: str) -> Applied:
    status = plain.status
    return replace(plain, status=replace(status, reason=f"{status.reason}; {reason}"))


def _merged(state: State, patch: Patch, changes: dict[str, Blob | None]) -> Applied:
    after = state.with_blobs(changes, patch.ref)
    reason = "applied by a three-way merge with the files that the patch was made from, as git am -3 does"
    if not changes:
        reason = "already applied: the three-way merge with the files that the patch was made from changes nothing"
    files = tuple(FileResult(path, "3way", is_already_applied=path not in changes) for path in _touched(patch, changes))
    status = PatchStatus(patch.ref.index, True, "3way", reason)
    return Applied(after.snapshot, status, files, (), after.extras, not changes)


def _touched(patch: Patch, changes: dict[str, Blob | None]) -> list[str]:
    return sorted({file.path for file in patch.files} | set(changes))
