"""Objects, initialisers, structures and calls hold what gcc's code holds, lane by lane."""

import pytest

from tests.shared import FIXTURES
from tests.sim.native import Words, compiled, differences, function_names, interpreted, lanes_of_words, program_of

TEXT = (FIXTURES / "c" / "data.c").read_text(encoding="utf-8")
WORDS = lanes_of_words(160, seed=3)
UNIT = program_of(TEXT)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Words]:
    return compiled(TEXT, function_names(TEXT), WORDS, tmp_path_factory.mktemp("native"))


@pytest.mark.parametrize("name", function_names(TEXT))
def test_data_holds_what_gcc_gives(name: str, native: dict[str, Words]) -> None:
    assert differences(native[name], interpreted(UNIT, f"{name}(a, b, c, d)", WORDS), WORDS) == []


@pytest.mark.parametrize("name", function_names(TEXT))
def test_one_lane_alone_holds_the_same(name: str, native: dict[str, Words]) -> None:
    lane = WORDS[7:8]
    assert interpreted(UNIT, f"{name}(a, b, c, d)", lane)[0] == native[name][7]
