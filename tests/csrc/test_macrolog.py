"""Which blocks of a unit touch a name is known however far the unit was read when it is asked."""

from hypothesis import given
from hypothesis import strategies as st

from ptlint.csrc.directives import DefineRef
from ptlint.csrc.macrolog import Event, MacroLog

Block = dict[str, DefineRef | None]

NAMES = ("A", "B", "C")
REFS = st.one_of(st.none(), st.builds(DefineRef, st.just("a.h"), st.integers(0, 9)))
BLOCKS = st.lists(st.dictionaries(st.sampled_from(NAMES), REFS, max_size=3), max_size=6)


def _by_looking_through(blocks: list[Block], base: int, name: str) -> list[Event]:
    return [(number, block[name]) for number, block in enumerate(blocks, base + 1) if name in block]


@given(st.integers(0, 50), BLOCKS, BLOCKS, st.lists(st.sampled_from(NAMES)))
def test_what_is_asked_in_between_changes_no_later_answer(
    base: int, first: list[Block], more: list[Block], asked: list[str]
) -> None:
    log = MacroLog(base)
    log.blocks += first
    assert [log.events(name) for name in asked] == [_by_looking_through(first, base, name) for name in asked]
    log.blocks += more
    assert log.last == base + len(first) + len(more)
    for name in NAMES:
        assert log.events(name) == _by_looking_through([*first, *more], base, name)
