"""The tree after each patch of a series."""

from dataclasses import replace

from ptlint.core.patch import FilePatch, Patch, Series
from ptlint.core.report import PatchStatus
from ptlint.core.tree import Snapshot, SourceTree, blob_id_of
from ptlint.tree.apply import apply_patch
from ptlint.tree.gittree import GitTree
from ptlint.tree.result import Applied
from ptlint.tree.state import State
from ptlint.tree.threeway import merge


def apply_series(base: SourceTree, series: Series) -> tuple[Applied, ...]:
    """Apply the patches of *series* in order, each to what the one before left.

    A patch that does not apply as it is goes through a three-way merge when *base* is a git tree that has the blobs
    the patch was made from, as ``git am -3`` does it. One that fails leaves behind what does apply of it, so that the
    later ones and the analysis go on. Raises TreeError when the tree cannot be read.
    """
    outcomes: list[Applied] = []
    state = State(Snapshot(base))
    made: dict[str, bytes] = {}
    for patch in series.patches:
        outcome = _apply_best(base, state, patch, made)
        outcomes.append(outcome)
        state = outcome.state
        if isinstance(base, GitTree):
            made |= _touched(outcome)
    return tuple(outcomes)


def _apply_best(base: SourceTree, state: State, patch: Patch, made: dict[str, bytes]) -> Applied:
    """Apply *patch* as it is, else by a three-way merge, else as far as it goes; of a damaged one what is whole."""
    if patch.damaged:
        outcome = apply_patch(state.snapshot, replace(patch, files=_whole(patch)), state.extras)
        return replace(outcome, status=PatchStatus(patch.ref.index, False, "failed", patch.damaged))
    plain = apply_patch(state.snapshot, patch, state.extras)
    if plain.status.applied or not isinstance(base, GitTree) or not plain.files:
        return plain
    return merge(base, state, patch, plain, made)


def _whole(patch: Patch) -> tuple[FilePatch, ...]:
    """Return the files of a damaged patch without the hunks, and the new files, of which lines are lost."""
    files = (replace(file, hunks=tuple(hunk for hunk in file.hunks if not hunk.is_part)) for file in patch.files)
    return tuple(file for file in files if file.hunks)


def _touched(outcome: Applied) -> dict[str, bytes]:
    """Return the files of a patch as it left them, by blob id."""
    contents = (outcome.snapshot.changed.get(file.path) for file in outcome.files)
    return {blob_id_of(data): data for data in contents if data is not None}


def build_snapshots(base: SourceTree, series: Series) -> tuple[tuple[Snapshot, PatchStatus], ...]:
    """Return the snapshot and the status after each patch of *series*, in order. See ``apply_series``."""
    return tuple((outcome.snapshot, outcome.status) for outcome in apply_series(base, series))
