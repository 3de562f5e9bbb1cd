"""Values kept as JSON come back as they were, and what is no such value is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlint.core.coded import coded, decoded
from ptlint.core.finding import Finding
from ptlint.core.report import Suppressed
from ptlint.core.span import Span
from tests.report.sample import ERROR, FULL, NOTE, WARNING


@pytest.mark.parametrize("finding", [ERROR, WARNING, NOTE])
def test_a_finding_comes_back_as_it_was(finding: Finding) -> None:
    assert decoded(Finding, json.loads(json.dumps(coded(finding)))) == finding


def test_values_within_values_come_back() -> None:
    entry = Suppressed(ERROR, "because", "there", 3)
    assert decoded(Suppressed, json.loads(json.dumps(coded(entry)))) == entry
    assert decoded(tuple[str, ...], coded(("a", "b"))) == ("a", "b")
    assert decoded(frozenset[str], coded(frozenset("ab"))) == frozenset("ab")


@pytest.mark.parametrize("data", [None, 3, "x", [], {}, [[]], [1, 2, 3, 4, 5], [True, True, 1, 0, 0]])
def test_what_is_no_such_value_is_refused(data: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        decoded(Span, data)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda one: st.lists(one), max_leaves=20))
def test_foreign_json_never_becomes_a_finding_by_halves(data: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        decoded(Finding, data)


def test_a_class_that_is_not_foreseen_is_refused() -> None:
    with pytest.raises(TypeError):
        coded(object())
    assert coded(FULL.rules)
