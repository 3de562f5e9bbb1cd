"""Objects and their addresses. A pointer is an integer, so casts, alignment and comparison work as in C.

Every object has a region of its own, far from its neighbours: an address names one object or none, however it was
computed. Addresses look like the kernel's (upper half), so a user address or NULL never names an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from ptlint.csrc.ctypes import CType
from ptlint.sim.blob import Blob
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.values import Mask, Scalar, distinct, same_everywhere

MAX_OBJECTS = 16_384
"""Objects of one run: the regions of as many fit the upper half of 64-bit addresses and the kernel's of 32-bit ones."""


@dataclass(slots=True)
class Object:
    """A variable, structure, table or function. ``live`` marks a page table that hardware walks.

    ``name`` is how a report calls it (``vma->vm_mm``). ``function`` names the code a function's address stands for.
    ``lanes`` are those that have it at all, None for all: no other sees what is stored in it.
    """

    name: str
    blob: Blob
    base: int
    type: CType | None = None
    live: bool = False
    function: str = ""
    stored: set[int] = field(default_factory=set)
    lanes: Mask | None = None


class Memory:
    """All objects of a run. ``pointer_size`` is 4 or 8 bytes."""

    def __init__(self, pointer_size: int, big_endian: bool) -> None:
        self.pointer_size = pointer_size
        self.big_endian = big_endian
        self._shift = 32 if pointer_size == 8 else 16
        self._first = 0xFFFF_8800_0000_0000 if pointer_size == 8 else 0xC000_0000
        self.objects: list[Object] = []
        self._named: dict[str, Object] = {}

    def add(
        self, name: str, blob: Blob, type: CType | None = None, *, live: bool = False, function: str = ""
    ) -> Object:
        """Return a new object. Raises OutOfBounds when a run makes too many, CannotExecute for one without room."""
        if len(self.objects) >= MAX_OBJECTS:
            raise OutOfBounds(f"more than {MAX_OBJECTS} objects")
        if blob.size >= 1 << self._shift:
            raise CannotExecute(f"{name} has {blob.size} bytes")
        obj = Object(name, blob, self._first + (len(self.objects) << self._shift), type, live, function)
        self.objects.append(obj)
        return obj

    def named(self, name: str) -> Object | None:
        """Return the shared object (a global, an opaque structure) of that name."""
        return self._named.get(name)

    def share(self, name: str, obj: Object) -> Object:
        """Make *obj* the one that *name* stands for in the whole run."""
        self._named[name] = obj
        return obj

    def find(self, address: int) -> tuple[Object | None, int]:
        """Return the object that *address* lies in, or None, and the offset in it (bytes, may be out of its bounds)."""
        index = (address - self._first) >> self._shift
        if 0 <= index < len(self.objects):
            obj = self.objects[index]
            return obj, address - obj.base
        return None, address

    def split(self, address: Scalar, mask: Mask) -> Iterator[tuple[Object | None, int, Mask]]:
        """Yield object, offset and lanes for each different value of *address* among the lanes of *mask*."""
        if isinstance(address, int):
            yield (*self.find(address), mask)
            return
        assert isinstance(address, np.ndarray)
        one = same_everywhere(address, mask)
        if one is not None:
            yield (*self.find(one), mask)
            return
        for value in distinct(address[mask]):
            yield (*self.find(int(value)), mask & (address == value))
