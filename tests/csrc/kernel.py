"""The page-table part of a kernel tree, in memory."""

import tarfile
from functools import lru_cache

from ptlint.core.tree import MemoryTree
from tests.shared import shared


@lru_cache(maxsize=1)
def kernel_tree() -> MemoryTree:
    """Return the kernel tree of the corpus; skips the test when there is none."""
    files: dict[str, bytes] = {}
    with tarfile.open(shared("kernel/linux-7.3-pgtable.tar.xz")) as archive:
        for member in archive:
            held = archive.extractfile(member) if member.isfile() else None
            if held is not None:
                files[member.name.partition("/")[2]] = held.read()
    return MemoryTree(files)
