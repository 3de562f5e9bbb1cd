"""The kernel's own test of page-table helpers passes on ptlint's machine, or what keeps it from running is known."""

from collections import Counter
from collections.abc import Sequence

import pytest

from ptlint.csrc.profile import Profile, main_profiles, profile_named
from tests.csrc.kernel import kernel_tree
from tests.shared import ROOT
from tests.sim.conformance import Result, names_of_tests, results

TABLE = ROOT / "docs" / "conformance.md"
SIGNS = {"passed": "yes", "absent": "", "stopped": "?", "failed": "**no**"}

KNOWN = {
    ("pte_basic_tests", "um"): (
        "`pte_write()` never holds where `_PAGE_PROTNONE` is set, and `pte_mkwrite()` of `PAGE_NONE` leaves it set "
        "(um does not offer this test)"
    ),
    ("pmd_softleaf_tests", "loongarch"): (
        "an offset of all ones reaches `_PAGE_PRESENT_INVALID` (bit 60): `pmd_present()` holds for a migration entry"
    ),
}
"""Tests that fail, and why the kernel is at fault."""

QUICK = ("arm64", "powerpc/radix", "riscv", "s390", "x86", "loongarch")


def unexplained(found: Sequence[Result]) -> list[Result]:
    return [one for one in found if one.verdict == "failed" and (one.test, one.profile) not in KNOWN]


@pytest.mark.parametrize("name", QUICK)
def test_the_kernels_own_test_passes(name: str) -> None:
    found = results(kernel_tree(), profile_named(name))
    assert unexplained(found) == []
    count = Counter(one.verdict for one in found)
    assert count["passed"] >= 4 * count["stopped"]


@pytest.mark.slow
def test_it_passes_on_every_architecture_and_the_table_says_so(request: pytest.FixtureRequest) -> None:
    profiles = main_profiles()
    found = [one for profile in profiles for one in results(kernel_tree(), profile)]
    assert unexplained(found) == []
    text = table(profiles, found)
    if request.config.getoption("--bless"):
        TABLE.write_text(text, encoding="utf-8")
    assert TABLE.read_text(encoding="utf-8") == text, "run pytest with --bless to write docs/conformance.md anew"


def table(profiles: Sequence[Profile], found: Sequence[Result]) -> str:
    """Return docs/conformance.md."""
    by = {(one.test, one.profile): one for one in found}
    count = Counter(one.verdict for one in found)
    ran = len(found) - count["absent"]
    lines = [
        "# Conformance: the kernel's own test of page-table helpers",
        "",
        "`mm/debug_vm_pgtable.c` of Linux 7.3, executed by ptlint from source, with each architecture's own helpers.",
        f"Of {ran} pairs of a test and a profile that has it, {count['passed']} pass, {count['failed']} fail and",
        f"{count['stopped']} could not be executed to the end.",
        "Written by `pytest tests/sim/test_debug_vm_pgtable.py --bless`.",
        "",
        "yes: every `WARN_ON()` that is reached is decided, and none fires. **no**: one fires. ?: not executed, or a",
        "condition is not known, see below. Empty: not in that configuration, or returns at once on any machine.",
        "",
        "| profile | " + " | ".join(_short(test) for test in names_of_tests(kernel_tree())) + " |",
        "|---" * (len(names_of_tests(kernel_tree())) + 1) + "|",
    ]
    for profile in profiles:
        cells = [SIGNS[by[test, profile.name].verdict] for test in names_of_tests(kernel_tree())]
        lines.append(f"| {profile.name} | " + " | ".join(cells) + " |")
    lines += ["", "## What fails", ""]
    lines += [f"- {test}, {name}: {why}." for (test, name), why in sorted(KNOWN.items())]
    lines += ["", "## What could not be executed", ""]
    reasons: dict[str, list[str]] = {}
    for one in found:
        if one.verdict == "stopped":
            reasons.setdefault(one.why, []).append(f"{one.profile} {_short(one.test)}")
    lines += [f"- {why}: {', '.join(where)}." for why, where in sorted(reasons.items())]
    return "\n".join(lines) + "\n"


def _short(test: str) -> str:
    return test.removesuffix("_tests").replace("_", " ")
