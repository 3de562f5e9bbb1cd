"""What a unit went through of ``#define`` and ``#undef``, block by block."""

from collections.abc import Mapping

from ptlint.csrc.directives import DefineRef

Event = tuple[int, DefineRef | None]
"""The number of a block, and what a name is from there on: None where it is undefined."""


class MacroLog:
    """The blocks of one unit in order, numbered on from *base*; readings of files with the same directives share it."""

    __slots__ = ("_again", "_history", "_indexed", "_since", "base", "blocks")

    def __init__(self, base: int) -> None:
        self.base = base
        self.blocks: list[Mapping[str, DefineRef | None]] = []
        self._indexed = 0  # blocks that the rest knows
        self._since: dict[str, int] = {}  # the last block that touches a name
        self._again: set[str] = set()  # the names that more than one block touches
        self._history: dict[str, list[Event]] | None = None  # of those

    @property
    def last(self) -> int:
        """Return the number of the last block."""
        return self.base + len(self.blocks)

    def events(self, name: str) -> list[Event]:
        """Return the blocks that touch *name*, in order."""
        if self._indexed < len(self.blocks):
            self._index()
        if name not in self._since:
            return []
        if name not in self._again:
            seq = self._since[name]
            return [(seq, self.blocks[seq - self.base - 1][name])]
        if self._history is None:
            self._history = {key: [] for key in self._again}
            for seq, block in enumerate(self.blocks, self.base + 1):
                for key in self._again & block.keys():
                    self._history[key].append((seq, block[key]))
        return self._history[name]

    def _index(self) -> None:
        """Note which blocks touch which names, as far as that was not done."""
        for seq, block in enumerate(self.blocks[self._indexed :], self.base + self._indexed + 1):
            self._again.update(self._since.keys() & block.keys())
            self._since.update(dict.fromkeys(block, seq))
        self._indexed, self._history = len(self.blocks), None
