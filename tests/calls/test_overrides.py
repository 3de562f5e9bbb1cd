"""The call model against what the real preprocessor and the real build say."""

import json

import pytest

from ptlint.calls.facts import Definition
from ptlint.calls.hooks import hooks
from ptlint.calls.model import profile_model
from ptlint.csrc.profile import profile_from_config
from ptlint.csrc.universe import load_universe
from tests.csrc.kernel import kernel_tree
from tests.shared import shared

KEYS = ("kind", "shape", "def", "proto")


def cells(one: Definition | None) -> dict[str, str | None]:
    if one is None:
        return {}
    place = None if one.definition is None else str(one.definition)
    return {"kind": one.kind, "shape": one.shape, "def": place, "proto": str(one.prototype)}


@pytest.mark.slow
def test_every_cell_of_the_ground_truth_is_right() -> None:
    truth = json.loads(shared("bench/overrides/overrides.json").read_text())
    tree = kernel_tree()
    wrong: list[str] = []
    listed: set[str] = set()
    kinds: dict[str, set[str]] = {}
    for arch, configs in truth.items():
        for name, pair in configs.items():
            config = shared("bench/overrides/" + pair["config"]).read_bytes()
            universe = load_universe(tree, profile_from_config(arch, config, name))
            listed.update(hooks(universe))
            rows = profile_model(universe).rows
            for symbol, want in pair["symbols"].items():
                kinds.setdefault(symbol, set()).add(want["kind"])
                got = cells(rows[symbol].definition if symbol in rows else None)
                # A body in a file that the excerpt leaves out cannot be found in it.
                missing = want["def"] is not None and not tree.exists(want["def"].split(":")[0])
                keys = [key for key in KEYS if not (missing and key == "def")]
                wrong += [
                    f"{arch} {name} {symbol} {key}: {want[key]} != {got.get(key)}"
                    for key in keys
                    if want[key] != got.get(key)
                ]
    assert not wrong, "\n".join(wrong)
    assert {symbol for symbol, given in kinds.items() if len(given) > 1} <= listed  # given by some, generic for others
