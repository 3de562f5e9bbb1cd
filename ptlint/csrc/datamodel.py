"""How wide, how aligned and how ordered the types of C are on an architecture."""

from dataclasses import dataclass
from typing import Protocol


class Constants(Protocol):
    """What of a data model the text of a program can depend on, before anything is computed."""

    @property
    def long_size(self) -> int:
        """Return the size of ``long``: the type of a large constant depends on it."""

    @property
    def char_signed(self) -> bool:
        """Return whether ``char`` is signed: the value of a character beyond 127 depends on it."""

    @property
    def biggest_align(self) -> int:
        """Return what ``__attribute__((aligned))`` without a number means."""


@dataclass(frozen=True, slots=True)
class DataModel:
    """The ABI facts that C leaves to the implementation. Sizes and alignments are in bytes.

    ``long_long_align`` is 4 where 64-bit integers are only word aligned (i386, arc, openrisc, sh, csky, microblaze).
    ``scalar_align`` caps the alignment of every scalar (2 on m68k). ``biggest_align`` is what
    ``__attribute__((aligned))`` without a number means.
    """

    long_size: int = 8
    pointer_size: int = 8
    big_endian: bool = False
    char_signed: bool = True
    long_long_align: int = 8
    scalar_align: int = 16
    biggest_align: int = 16


LP64 = DataModel()
"""64-bit ``long`` and pointers, little-endian, signed ``char``: x86-64."""

ILP32 = DataModel(long_size=4, pointer_size=4)
"""32-bit ``long`` and pointers, little-endian, signed ``char``."""
