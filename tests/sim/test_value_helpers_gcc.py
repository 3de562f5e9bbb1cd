"""Every helper of the kernel's that takes and returns values gives what gcc's code gives, on every architecture."""

from __future__ import annotations

import os
import re
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest

from ptlint.csrc.profile import Profile, main_profiles
from tests.csrc.kernel import kernel_tree
from tests.shared import ROOT, program
from tests.sim.value_helpers_native import Comparison, compare

TABLE = ROOT / "docs" / "native.md"

FEWEST = 120
"""Helpers that are compared on the architecture that has the fewest."""

FEWEST_LANES = 8
"""Lanes in which C says what a helper that is compared does."""


@pytest.fixture(scope="module", autouse=True)
def _compiler(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where gcc compiles for its own machine alone."""
    folder = tmp_path_factory.mktemp("compiler")
    (folder / "small.c").write_text("#include <stdio.h>\nint main(void) { return 0; }\n")
    command = [program("gcc"), "-m32", "-o", str(folder / "small"), str(folder / "small.c")]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        sentence = "gcc -m32 is not installed (gcc-multilib), so nothing was compared with it"
        if os.environ.get("PTLINT_REQUIRE_ALL"):
            pytest.fail(sentence)
        pytest.skip(sentence)


@pytest.mark.slow
def test_every_helper_gives_what_gcc_gives(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    profiles = main_profiles()
    found = [compare(kernel_tree(), profile, tmp_path) for profile in profiles]
    assert {one.profile: one.differ for one in found if one.differ} == {}
    assert min(len(one.agree) for one in found) >= FEWEST
    assert min(one.defined for one in found) >= FEWEST_LANES
    if request.config.getoption("--bless"):
        TABLE.write_text(table(profiles, found), encoding="utf-8")
    told = dict(re.findall(r"^\| (\S+) \| (\d+) \|", TABLE.read_text(encoding="utf-8"), re.MULTILINE))
    fewer = [one.profile for one in found if len(one.agree) < int(told[one.profile])]
    assert fewer == [], "what docs/native.md lists is no longer compared; --bless writes it anew"


def table(profiles: Sequence[Profile], found: Sequence[Comparison]) -> str:
    """Return docs/native.md."""
    compared = sum(len(one.agree) for one in found)
    left_out = sum(len(one.left_out) for one in found)
    differ = sum(len(one.differ) for one in found)
    lines = [
        "# The kernel's helpers, executed by ptlint and compiled by gcc",
        "",
        "Each function or macro of Linux 7.3's headers that takes entries (`pte_t`, `pmd_t`, `swp_entry_t`, …) or",
        "numbers by value and returns one runs twice on the same words, drawn from edges, small numbers and any",
        "bits: by ptlint, and compiled by gcc (`-m32` where `long` has 32 bits) from what ptlint's own front end",
        "expands. What the code asks the machine is answered alike: as the profile says, else no. Words for which C",
        "does not say what happens (a shift past the width) are left aside.",
        "",
        f"Of {compared + left_out} pairs of a helper and a profile {compared} are compared, and {differ} differ.",
        "Written by `pytest tests/sim/test_value_helpers_gcc.py --bless`.",
        "",
        "| profile | compared | left out |",
        "|---|---|---|",
    ]
    lines += [f"| {one.profile} | {len(one.agree)} | {len(one.left_out)} |" for one in found]
    lines += ["", "## What is left out", ""]
    reasons: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        for name, why in one.left_out.items():
            reasons[why][name].append(one.profile)
    for why, names in sorted(reasons.items()):
        which: dict[str, list[str]] = defaultdict(list)
        for name, named in sorted(names.items()):
            for profile in named:
                which[profile].append(name)
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for profile, them in which.items():
            alike[tuple(them)].append(profile)
        everywhere = [f"{', '.join(them)} ({_places(at, profiles)})" for them, at in sorted(alike.items())]
        lines.append(f"- {why}: {'; '.join(everywhere)}.")
    return "\n".join(lines) + "\n"


def _places(names: Sequence[str], profiles: Sequence[Profile]) -> str:
    return "all" if len(names) == len(profiles) else ", ".join(names)
