"""What of a tree cannot be read: told file by file, until there is so much of it that the tree is of no use."""

from collections.abc import Iterator, Mapping

from ptlint.errors import TreeError

MOST = 50
"""Files that may be lost: beyond that it is a partial clone, or another user's folder, and no damaged file."""


class Losses(Mapping[str, str]):
    """Why each of some files (or folders, with ``/`` at the end) could not be read."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def note(self, path: str, why: str) -> None:
        """Note that *path* cannot be read. Raises TreeError when it is one too many."""
        self._known.setdefault(path, why)
        if len(self._known) > MOST:
            raise TreeError(f"{path}: {why}; more than {MOST} files cannot be read, so this tree is not looked at")

    def __getitem__(self, path: str) -> str:
        return self._known[path]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._known))

    def __len__(self) -> int:
        return len(self._known)
