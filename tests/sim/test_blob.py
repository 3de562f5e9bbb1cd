"""The bytes of objects, checked against a plain table of bytes, one row a lane."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ptlint.sim.blob import Blob, merge, zero
from ptlint.sim.errors import CannotExecute
from ptlint.sim.values import Unknown, lane_of

LANES, SIZE = 3, 24


@dataclass
class Model:
    """A blob and what it should hold: bytes by lane, and whether each is determinate."""

    big_endian: bool
    blob: Blob
    bytes: NDArray[np.uint8] = field(default_factory=lambda: np.zeros((LANES, SIZE), dtype=np.uint8))
    known: NDArray[np.bool_] = field(default_factory=lambda: np.zeros((LANES, SIZE), dtype=bool))

    def store(self, offset: int, size: int, words: list[int], mask: list[bool]) -> None:
        whole = all(mask)
        value = np.array(words, dtype=np.uint64) if len(set(words)) > 1 else words[0]
        self.blob.store(offset, size, value, None if whole else np.array(mask))
        for lane in range(LANES):
            if mask[lane]:
                raw = (words[lane] & ((1 << 8 * size) - 1)).to_bytes(size, "big" if self.big_endian else "little")
                self.bytes[lane, offset : offset + size] = list(raw)
                self.known[lane, offset : offset + size] = True

    def put(self, offset: int, other: "Model", size: int, mask: list[bool]) -> None:
        part = other.blob.sub(0, size)
        self.blob.put(offset, part, None if all(mask) else np.array(mask))
        for lane in range(LANES):
            if mask[lane]:
                self.bytes[lane, offset : offset + size] = other.bytes[lane, :size]
                self.known[lane, offset : offset + size] = other.known[lane, :size]

    def agrees(self) -> None:
        for size in (1, 2, 4, 8):
            for offset in range(SIZE - size + 1):
                rows = range(LANES)
                wanted = [
                    int.from_bytes(
                        bytes(self.bytes[lane, offset : offset + size]), "big" if self.big_endian else "little"
                    )
                    for lane in rows
                ]
                sure = [lane for lane in rows if bool(self.known[lane, offset : offset + size].all())]
                try:
                    value = self.blob.copy().load(offset, size, False)
                except CannotExecute:
                    assert len(sure) < LANES, (offset, size)
                    continue
                assert [lane_of(value, lane) for lane in sure] == [wanted[lane] for lane in sure], (offset, size)


def _model(big_endian: bool, cleared: bool) -> Model:
    model = Model(big_endian, Blob(SIZE, big_endian, zero if cleared else None))
    model.known[:] = cleared
    return model


@given(st.data(), st.booleans(), st.booleans(), st.booleans())
def test_any_stores_and_copies_leave_the_bytes_they_should(
    data: st.DataObject, big_endian: bool, cleared: bool, other_cleared: bool
) -> None:
    one, other = _model(big_endian, cleared), _model(big_endian, other_cleared)
    masks = st.one_of(st.just([True] * LANES), st.lists(st.booleans(), min_size=LANES, max_size=LANES))
    for _ in range(data.draw(st.integers(1, 8))):
        target, source = data.draw(st.sampled_from(((one, other), (other, one))))
        size = data.draw(st.sampled_from((1, 2, 4, 8)))
        offset, mask = data.draw(st.integers(0, SIZE - size)), data.draw(masks)
        if data.draw(st.integers(0, 3)):
            words = data.draw(st.lists(st.integers(0, (1 << 64) - 1), min_size=LANES, max_size=LANES))
            target.store(offset, size, words, mask)
        else:
            target.put(offset, source, size, mask)
    one.agrees()
    other.agrees()


def test_a_copy_changes_apart() -> None:
    blob = Blob(8, False, zero)
    twin = blob.copy()
    twin.store(0, 4, 7)
    assert (blob.load(0, 4, False), twin.load(0, 4, False)) == (0, 7)


def test_merged_structures_hold_each_their_lanes() -> None:
    mask = np.array([True, False])
    old, new = Blob(8, False, zero), Blob(8, False, zero)
    old.store(0, 8, 0x1111)
    assert [lane_of(merge(mask, new, old).load(0, 8, False), lane) for lane in range(2)] == [0, 0x1111]


def test_signed_loads_extend_the_sign() -> None:
    blob = Blob(8, False, zero)
    blob.store(0, 2, 0xFFFE)
    assert (blob.load(0, 2, True), blob.load(0, 2, False), blob.load(0, 4, True)) == (-2, 0xFFFE, 0xFFFE)


def test_an_unknown_keeps_its_name_whole_and_gets_one_in_parts() -> None:
    blob = Blob(8, False)
    blob.store(0, 8, Unknown("vma->vm_flags"))
    assert blob.load(0, 8, False) == Unknown("vma->vm_flags")
    assert blob.load(0, 4, False) == blob.load(0, 4, False) != blob.load(4, 4, False)


def test_indeterminate_bytes_are_not_guessed() -> None:
    blob = Blob(8, False)
    blob.store(0, 4, 1)
    with pytest.raises(CannotExecute):
        blob.load(0, 8, False)


def test_ten_thousand_cells_are_stored_without_looking_at_all_of_them() -> None:
    blob = Blob(1 << 20, False, zero)
    for at in range(10_000):
        blob.store(4 * at, 4, at)
    assert blob.load(4 * 9_999, 4, False) == 9_999
    assert blob.load(4 * 9_999 + 2, 4, False) == 0


def test_structures_that_are_stored_one_by_one_leave_one_backdrop() -> None:
    element = Blob(16, False, zero)
    element.store(0, 4, 7)
    blob = Blob(16 * 1_000, False, zero)
    for at in range(1_000):
        blob.put(16 * at, element)
        blob.put(16 * at, element, np.array([True, False]))
    assert len(blob.backdrops) == 1
    assert (blob.load(16 * 999, 4, False), blob.load(16 * 999 + 8, 8, False)) == (7, 0)
