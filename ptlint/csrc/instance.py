"""One reading of one file by the preprocessor: which of its lines are active, and which macros are in force there."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from ptlint.csrc.directives import FileScan
from ptlint.csrc.segments import Active, active_of


@dataclass(slots=True)
class Instance:
    """One reading of one file.

    ``skips`` maps a directive to the next one that was looked at: the text between is inactive. ``marks`` tell which
    block of the log is the last one in force after a directive, ``began`` the one in force at the start.
    """

    scan: FileScan
    began: int
    skips: dict[int, int] = field(default_factory=dict)
    marks: list[tuple[int, int]] = field(default_factory=list)
    pc: int = 0
    _active: Active | None = None

    def over(self, scan: FileScan) -> "Instance":
        """Return this reading for another version of the file, which has the same directives."""
        return Instance(scan, self.began, self.skips, self.marks, self.pc)

    @property
    def path(self) -> str:
        """Return the path of the file."""
        return self.scan.path

    @property
    def active(self) -> Active:
        """Return what this reading leaves of the file."""
        if self._active is None:
            self._active = active_of(self.scan, self.skips)
        return self._active

    def active_text(self) -> str:
        """Return the text with inactive lines and directives blanked: same length, same lines."""
        return self.active.text

    def blanks(self) -> Iterator[tuple[int, int]]:
        """Yield the offsets of directives and inactive text, in order, without overlap."""
        directives, skips = self.scan.directives, self.skips
        index = 0
        while index < len(directives):
            start = directives[index].start
            while index in skips:
                index = skips[index]
            yield start, directives[index].end if index < len(directives) else len(self.scan.text)
            index += 1

    def is_active(self, offset: int) -> bool:
        """Return whether the byte at *offset* is neither in a directive nor in inactive text."""
        return not any(start <= offset < end for start, end in self.blanks())

    def seq_at(self, line: int) -> int:
        """Return the block of the log that is in force at *line*."""
        directives = self.scan.directives
        at = bisect_right(self.marks, line, key=lambda mark: directives[mark[0]].line)
        return self.marks[at - 1][1] if at else self.began
