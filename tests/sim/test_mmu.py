"""The MMU sets what it may, where it may, in the byte order of memory."""

import numpy as np

from ptlint.sim.mmu import Hardware, hardware_of
from tests.sim.reference_program import program_with

VALID, WRITE, ACCESSED, DIRTY, READONLY = 1, 2, 32, 64, 128


def raws(*values: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint64]]":
    return np.array(values, dtype=np.uint64)


def test_an_access_sets_accessed_in_valid_entries_only() -> None:
    hardware = Hardware(VALID, ACCESSED, WRITE, DIRTY, 0, 8)
    new, changed = hardware.touched(raws(VALID, 0, VALID | ACCESSED), store=False)
    assert new.tolist() == [VALID | ACCESSED, 0, VALID | ACCESSED]
    assert changed.tolist() == [True, False, False]


def test_a_store_needs_the_permission_and_sets_dirty_too() -> None:
    hardware = Hardware(VALID, ACCESSED, WRITE, DIRTY, 0, 8)
    new, changed = hardware.touched(raws(VALID, VALID | WRITE), store=True)
    assert new.tolist() == [VALID, VALID | WRITE | ACCESSED | DIRTY]
    assert changed.tolist() == [False, True]


def test_dirty_may_be_a_bit_that_is_cleared() -> None:
    hardware = Hardware(VALID, ACCESSED, WRITE, 0, READONLY, 8)
    new, _ = hardware.touched(raws(VALID | WRITE | READONLY), store=True)
    assert new.tolist() == [VALID | WRITE | ACCESSED]


def test_entries_in_the_other_byte_order_are_swapped_for_the_walker() -> None:
    hardware = Hardware(VALID, ACCESSED, WRITE, DIRTY, 0, 8, swapped=True)
    new, changed = hardware.touched(raws(VALID << 56), store=False)
    assert new.tolist() == [(VALID | ACCESSED) << 56]
    assert changed.all()


def test_hardware_that_knows_no_valid_bit_never_acts() -> None:
    hardware = Hardware(0, 0, 0, 0, 0, 8)
    assert not hardware.updates
    _, changed = hardware.touched(raws(0, 1, 2**63), store=True)
    assert not changed.any()


def test_the_bits_come_from_the_words_of_the_profile() -> None:
    hardware = hardware_of(program_with())
    assert (hardware.valid, hardware.write, hardware.accessed, hardware.dirty_set) == (1, 2, 32, 64)
    assert not hardware.swapped
