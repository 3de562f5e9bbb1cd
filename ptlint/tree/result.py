"""What became of a patch, file by file."""

from dataclasses import dataclass, field

from ptlint.core.patch import Hunk, LeftOut
from ptlint.core.report import PatchStatus
from ptlint.core.tree import Snapshot
from ptlint.tree.state import Extras, State


@dataclass(frozen=True, slots=True)
class Rejected:
    """A hunk that fits nowhere. ``line`` is the line of the tree at which it comes nearest; ``reason`` says what
    stands there instead."""

    hunk: Hunk
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class FileResult:
    """What became of one file of a patch. ``how``: ``clean``, ``offset``, ``3way``, ``failed`` or ``left-out``.

    ``offsets`` says by how many lines each applied hunk moved. A failed file keeps the hunks that do apply, and
    ``rejected`` holds the others. ``is_already_applied`` tells that the file has what the patch would bring.
    """

    path: str
    how: str
    reason: str = ""
    offsets: tuple[int, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    is_already_applied: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A patch applied as far as it goes.

    ``snapshot`` holds every file and hunk that applies, also when the patch as a whole does not: ``status.applied`` is
    true only where ``git am`` would make a commit. ``is_already_applied`` tells that the tree has all of the patch.
    """

    snapshot: Snapshot
    status: PatchStatus
    files: tuple[FileResult, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    extras: Extras = field(default_factory=Extras)
    is_already_applied: bool = False

    @property
    def state(self) -> State:
        """Return what the next patch is applied to."""
        return State(self.snapshot, self.extras)
