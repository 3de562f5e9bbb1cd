"""The bytes of one file after its part of a patch, or why it cannot have them."""

from ptlint.core.patch import FilePatch
from ptlint.core.tree import blob_id_of
from ptlint.tree.binary import BinaryPatchError, apply_binary
from ptlint.tree.image import Image, Sought, first_difference, lay, reversed_hunk, sought, split_lines
from ptlint.tree.result import FileResult, Rejected
from ptlint.tree.words import hunk_header, quoted

EMPTY_BLOBS = (
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
)
"""The id of the empty blob, in SHA-1 and SHA-256."""


_EXPLAINED = 20
"""Hunks of one file for which the place where they come nearest is looked up."""


class DoesNotApplyError(Exception):
    """A part of a patch that does not apply. ``kept`` are the bytes with the hunks that do, None without any."""

    def __init__(self, reason: str, result: FileResult | None = None, kept: bytes | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.result = result
        self.kept = kept


def content_after(file: FilePatch, before: bytes) -> tuple[bytes, tuple[int, ...]]:
    """Return the bytes after the part and how far its hunks moved."""
    if file.binary is not None:
        return _binary_content(file, before), ()
    if not file.hunks:
        return _content_without_hunks(file, before), ()
    if file.old_path is None and any(line.kind != "+" for hunk in file.hunks for line in hunk.lines):
        raise DoesNotApplyError(f"{file.path} is said to be new, but the patch expects lines in it")
    if file.new_path is None and any(line.kind != "-" for hunk in file.hunks for line in hunk.lines):
        raise DoesNotApplyError(f"{file.path} is said to be deleted, but the patch leaves lines in it")
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
        line, reason = hunk.old_start, "the hunk changes nothing"
        if changes:
            line, reason = _mismatch(image, wanted) if len(rejected) < _EXPLAINED else (line, "fits nowhere")
        rejected.append(Rejected(hunk, line, reason))
    after = image.data()
    if rejected:
        raise _rejection(file, before, hunks, rejected, after, tuple(offsets))
    if file.new_path is None and after:
        raise DoesNotApplyError(
            f"{file.path} is said to be deleted, but the tree has more lines than the patch removes"
        )
    return after, tuple(offsets)


def _mismatch(image: Image, wanted: Sought) -> tuple[int, str]:
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
) -> DoesNotApplyError:
    image = Image(split_lines(before))
    undone = all(lay(image, reversed_hunk(hunk)) is not None for hunk in hunks)
    first = rejected[0]
    reason = f"{file.old_path or file.path}: hunk {hunk_header(first.hunk)}: {first.reason}"
    if len(rejected) > 1:
        reason += f" (and {len(rejected) - 1} more of its {len(hunks)} hunks)"
    if undone:
        reason += "; it looks already applied"
    result = FileResult(file.path, "failed", reason, offsets, tuple(rejected), undone)
    return DoesNotApplyError(reason, result, kept if offsets and not undone else None)


def _content_without_hunks(file: FilePatch, before: bytes) -> bytes:
    """Return the unchanged bytes; raise when the ids say that a content change was left out of the patch."""
    old, new = _real_id(file.old_blob), _real_id(file.new_blob)
    if not (old.startswith(new) if len(new) < len(old) and new else new.startswith(old) if old else not new):
        reason = f"{file.path} changes in a way that the patch does not carry (a binary file without its data)"
        raise DoesNotApplyError(reason)
    if file.new_path is None and before:
        raise DoesNotApplyError(f"{file.path} is deleted as an empty file, but has {len(before)} bytes in the tree")
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
        raise DoesNotApplyError(f"{file.path} is a binary file that the patch carries no data for")
    if not is_full:
        raise DoesNotApplyError(f"{file.path} is a binary patch without a full index line")
    if len(new) == 40 and file.old_path is not None and blob_id_of(before) != old:
        raise DoesNotApplyError(f"{file.path} is binary and its bytes in the tree are not those the patch is for")
    if not new.strip("0"):
        return b""
    try:
        after = apply_binary(file.binary or b"", before)
    except BinaryPatchError as error:
        raise DoesNotApplyError(f"{file.path}: {error}") from error
    if len(new) == 40 and blob_id_of(after) != new:
        raise DoesNotApplyError(f"{file.path}: the binary patch does not make the bytes that its index line names")
    return after
