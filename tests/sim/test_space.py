"""The lanes of a run: all of them while they fit, and said so when they do not."""

import numpy as np

from ptlint.sim.driving import setting
from ptlint.sim.space import raced, still
from tests.sim.reference_program import program_with


def test_all_states_of_one_kind_are_combined_while_they_fit() -> None:
    colours = setting(program_with(), 3).colours
    space = still(colours, 2, 100_000)
    kinds = [np.count_nonzero(colours.kinds == kind) for kind in np.unique(colours.kinds)]
    assert space.exhaustive
    assert len(space) == 2 * sum(count**2 for count in kinds)
    assert len(np.unique(np.column_stack([space.states, space.request]), axis=0)) == len(space)


def test_entries_of_a_batch_differ_in_young_and_dirty_only() -> None:
    colours = setting(program_with(), 3).colours
    space = still(colours, 3, 100_000)
    kinds = colours.kinds[space.states]
    assert (kinds == kinds[:, :1]).all()
    assert (colours.write[space.states] == colours.write[space.states][:, :1]).all()


def test_a_space_that_does_not_fit_is_drawn_and_says_so() -> None:
    colours = setting(program_with(), 3).colours
    space = still(colours, 3, 64)
    assert not space.exhaustive
    assert 0 < len(space) < 2 * 4**3 * 6
    assert np.array_equal(space.states, still(colours, 3, 64).states)


def test_the_mmu_acts_once_a_lane_at_every_step_on_every_entry() -> None:
    colours = setting(program_with(), 3).colours
    calm = still(colours, 2, 64)
    space = raced(calm, 2, 5)
    assert len(space) == len(calm) * 5 * 2 * 2
    assert set(zip(space.slot.tolist(), space.entry.tolist(), space.store.tolist(), strict=True)) == {
        (slot, entry, store) for slot in range(5) for entry in range(2) for store in (False, True)
    }
