"""Objects that a repository keeps each in a file of its own, read without asking git.

Git takes four times as long for one, most of it to hand it over; every file of a tree that was just committed is one.
"""

import os
import re
import zlib
from pathlib import Path

MAX_STORED = 16 << 20
"""Bytes of the file of an object that is read here; larger ones are left to git."""

MAX_SIZE = 64 << 20
"""Bytes of an object that is read here."""

_ID = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")
_HEAD = re.compile(rb"(blob|tree|commit|tag) (0|[1-9][0-9]{0,9})\0")


def has_replacements(common_dir: Path) -> bool:
    """Return whether git may read other objects in place of some of this repository (``git replace``)."""
    if (common_dir / "reftable").exists():  # names of another format: only git can tell
        return True
    try:
        with os.scandir(common_dir / "refs" / "replace") as names:
            if any(names):
                return True
    except OSError:  # there is none, which is the usual
        pass
    try:
        return b" refs/replace/" in (common_dir / "packed-refs").read_bytes()
    except FileNotFoundError:
        return False
    except OSError:
        return True


def read_loose(objects: Path, object_id: str) -> tuple[str, bytes] | None:
    """Return kind and bytes of the object with this full id in the folder *objects* of a repository.

    None when it is no such file, or one that does not look sound: git is asked then, and says what is wrong with it.
    """
    if not _ID.match(object_id):
        return None
    try:
        number = os.open(f"{objects}/{object_id[:2]}/{object_id[2:]}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(number, "rb", buffering=0) as file:
            size = os.fstat(number).st_size  # to get room for the most takes longer than to read
            stored = file.read(size + 1) if size <= MAX_STORED else b""
    except OSError:
        return None
    if not stored:
        return None
    machine = zlib.decompressobj()
    try:
        data = machine.decompress(stored, MAX_SIZE)
    except zlib.error:
        return None
    head = _HEAD.match(data)
    if head is None or not machine.eof or machine.unused_data or len(data) - head.end() != int(head.group(2)):
        return None
    return head.group(1).decode("ascii"), data[head.end() :]
