"""The hooks of configurations that no profile is, against a real preprocessor over the same headers."""

from pathlib import Path

import pytest

from ptlint.calls.definition import locate
from ptlint.calls.facts import Definition
from ptlint.calls.hooks import hooks
from ptlint.csrc.profile import profile_from_config
from ptlint.csrc.universe import load_universe
from tests.calls.preprocessor import Preprocessed, preprocessed
from tests.csrc.kernel import kernel_tree
from tests.shared import program, shared

CONFIGS = (
    "arm-multi_v7+LPAE",
    "mips-maltaup_xpa",
    "powerpc-ppc44x",
    "riscv-rv32",
    "x86-i386+PAE",
)


def given(found: Preprocessed, name: str) -> tuple[str, str] | None:
    """Return how the preprocessor sees *name*: ``macro`` or ``function``, and where it is first given."""
    macro = found.macros.get(name)
    if macro is not None and (macro[1] or macro[2] != name):
        return "macro", macro[0]
    return ("function", found.declared[name]) if name in found.declared else None


def ours(one: Definition | None) -> tuple[str, str] | None:
    if one is None:
        return None
    return "macro" if one.shape in ("macro", "alias") else "function", str(one.prototype)


@pytest.mark.parametrize("config", CONFIGS)
def test_every_hook_is_given_as_the_preprocessor_sees_it(config: str, tmp_path: Path) -> None:
    gcc, arch = program("gcc"), config.partition("-")[0]
    data = shared(f"bench/overrides/configs/{config}.config").read_bytes()
    tree, profile = kernel_tree(), profile_from_config(arch, data, config)
    universe = load_universe(tree, profile)
    found = preprocessed(gcc, tree, profile, universe, tmp_path)
    pairs = {name: (given(found, name), ours(locate(universe, name))) for name in hooks(universe)}
    wrong = [f"{name}: {want} != {got}" for name, (want, got) in pairs.items() if want != got]
    assert sum(want is not None for want, _ in pairs.values()) > 150
    assert not wrong, "\n".join(wrong)
