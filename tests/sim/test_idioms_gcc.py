"""What kernel code does with C beyond plain expressions gives in the simulator what gcc gives."""

import pytest

from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.session import Session
from tests.shared import ROOT
from tests.sim.native import Words, compiled, differences, function_names, interpreted, lanes_of_words, program_of

TEXT = (ROOT / "fixtures/c/idioms.c").read_text()
UNIT = program_of(TEXT)
WORDS = lanes_of_words(400, seed=11)


@pytest.fixture(scope="module")
def native(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Words]:
    return compiled(TEXT, function_names(TEXT), WORDS, tmp_path_factory.mktemp("native"))


@pytest.mark.parametrize("name", function_names(TEXT))
def test_idioms_give_what_gcc_gives(name: str, native: dict[str, Words]) -> None:
    assert differences(native[name], interpreted(UNIT, f"{name}(a, b, c, d)", WORDS), WORDS) == []


@pytest.mark.parametrize("name", function_names(TEXT))
def test_one_lane_alone_gives_the_same(name: str, native: dict[str, Words]) -> None:
    for lane in (3, 50):
        assert interpreted(UNIT, f"{name}(a, b, c, d)", WORDS[lane : lane + 1])[0] == native[name][lane]


REFUSED = {
    "arithmetic in the width of a bit-field": ("m.e * 11", "bit-field of 33 bits"),
    "a shift in the width of a bit-field": ("m.e << 4", "bit-field of 33 bits"),
    "arithmetic on a part of such a bit-field": ("(m.e & 0xff) + 1", "bit-field of 33 bits"),
    "the complement of such a bit-field": ("~m.e", "bit-field of 33 bits"),
    "such a bit-field beside what may be negative": ("m.e == (s32)a", "bit-field of 33 bits"),
    "an array of a returned structure": ("make_large(make_small(c), b).s[0].c", "an array of a returned structure"),
    "a bit-field of a returned structure": ("({ m; }).c", "a bit-field of a returned structure"),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_is_not_known_to_be_the_same_is_refused(name: str) -> None:
    expression, what = REFUSED[name]
    function = (
        f"static u64 refused(u64 a, u64 b, u64 c, u64 d) {{ struct mixed m = {{ .e = a }}; return {expression}; }}"
    )
    session = Session(program_of(TEXT + function), len(WORDS))
    words = {word: ("unsigned long", WORDS[:, at].copy()) for at, word in enumerate("abcd")}
    with pytest.raises(CannotExecute, match=what):
        session.lanes_of(scalar(session.run("refused(a, b, c, d)", **words)))
