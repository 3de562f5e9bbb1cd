"""Addresses name one object or none, however they were computed."""

import numpy as np
import pytest

from ptlint.sim.blob import Blob, zero
from ptlint.sim.errors import CannotExecute, OutOfBounds
from ptlint.sim.memory import MAX_OBJECTS, Memory


def _object(size: int = 8) -> Blob:
    return Blob(size, False, zero)


@pytest.mark.parametrize("pointer_size", [4, 8])
def test_every_object_of_a_run_has_an_address_of_its_own(pointer_size: int) -> None:
    memory = Memory(pointer_size, False)
    objects = [memory.add(f"v{number}", _object()) for number in range(MAX_OBJECTS)]
    assert all(memory.find(obj.base) == (obj, 0) for obj in objects)
    assert all(0 < obj.base < 1 << 8 * pointer_size for obj in objects)
    assert memory.find(objects[5].base + 6) == (objects[5], 6)


def test_null_and_user_addresses_name_nothing() -> None:
    memory = Memory(8, False)
    memory.add("v", _object())
    assert [memory.find(address)[0] for address in (0, 8, 0x7FFF_FFFF_F000, (1 << 64) - 1)] == [None] * 4


def test_one_object_too_many_is_refused() -> None:
    memory = Memory(8, False)
    for number in range(MAX_OBJECTS):
        memory.add(f"v{number}", _object())
    with pytest.raises(OutOfBounds):
        memory.add("more", _object())


def test_an_object_that_would_reach_into_the_next_is_refused() -> None:
    with pytest.raises(CannotExecute):
        Memory(4, False).add("large", _object(1 << 16))


def test_a_pointer_that_differs_by_lane_is_followed_lane_by_lane() -> None:
    memory = Memory(8, False)
    x, y = memory.add("x", _object()), memory.add("y", _object())
    address = np.array([x.base, y.base + 4, x.base, 0], dtype=np.uint64)
    here = np.array([True, True, True, False])
    found = [(obj, offset, mask.tolist()) for obj, offset, mask in memory.split(address, here)]
    assert found == [(x, 0, [True, False, True, False]), (y, 4, [False, True, False, False])]
