"""What the oldest supported Python has. The bug tracker's numbers are those of CPython."""

import ast
import re
from pathlib import Path

import pytest

from tests.shared import ROOT

# gh-106052, mended in 3.11.5: a possessive group with alternatives does not match what it should.
POSSESSIVE_GROUP = re.compile(r"(?<!\\)\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")

SOURCES = sorted([*(ROOT / "ptlint").rglob("*.py"), *(ROOT / "rules").glob("*.py")])


def patterns_of(path: Path) -> list[str]:
    """Return the string constants of a file that stand in calls of ``re`` or in constants in capitals."""
    tree = ast.parse(path.read_bytes(), str(path))
    found: list[str] = []
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and ast.unparse(node.func).startswith("re.")
        is_constant = isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).isupper()
        if is_call or is_constant:
            inner = [one.value for one in ast.walk(node) if isinstance(one, ast.Constant)]
            found += [value if isinstance(value, str) else "" for value in inner]
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_pattern_repeats_a_group_possessively(path: Path) -> None:
    assert [pattern for pattern in patterns_of(path) if POSSESSIVE_GROUP.search(pattern)] == []
