"""The same C gives what gcc gives for a machine of 32 bits: other sizes of long and of pointers, other layouts."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.shared import ROOT, program
from tests.sim.native import TYPES_32, Words, compiled, differences, function_names, interpreted, lanes_of_words
from tests.sim.native import program_of as view_of
from tests.sim.random_c import SUPPORT, random_function
from tests.sim.test_random_gcc import PATIENT

WORDS = lanes_of_words(60, seed=4)
WORD = "unsigned long long"
FIXTURES = ("expressions", "statements", "data", "idioms")


@pytest.fixture(scope="module", autouse=True)
def _compiler(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where gcc compiles for its own machine alone."""
    folder = tmp_path_factory.mktemp("compiler")
    (folder / "small.c").write_text("int main(void) { return 0; }\n")
    command = [program("gcc"), "-m32", "-o", str(folder / "small"), str(folder / "small.c")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        sentence = "gcc -m32 is not installed (gcc-multilib), so nothing was compared with it"
        if os.environ.get("PTLINT_REQUIRE_ALL"):
            pytest.fail(sentence)
        pytest.skip(sentence)


def _disagreements(text: str, names: Sequence[str], folder: Path) -> list[str]:
    native: dict[str, Words] = compiled(text, names, WORDS, folder, TYPES_32, ("-m32",))
    unit = view_of(text, "x86/32", TYPES_32)
    return [
        f"{name}: {lane}"
        for name in names
        for lane in differences(native[name], interpreted(unit, f"{name}(a, b, c, d)", WORDS, PATIENT, WORD), WORDS, 1)
    ]


@pytest.mark.parametrize("name", FIXTURES)
def test_every_construct_gives_what_gcc_gives_for_32_bits(name: str, tmp_path: Path) -> None:
    text = (ROOT / f"fixtures/c/{name}.c").read_text()
    assert _disagreements(text, function_names(text), tmp_path) == []


@pytest.mark.parametrize("seed", range(2))
def test_random_programs_end_as_gcc_ends_them_on_32_bits(seed: int, tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(12)]
    functions = [random_function(Random(f"{seed} {name} 32"), name) for name in names]
    assert _disagreements(SUPPORT + "".join(functions), names, tmp_path) == []
