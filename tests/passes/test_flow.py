"""Control-flow graphs: what is evaluated, in which order, under which condition."""

import pytest

from ptlint.passes import evaluation
from ptlint.passes.flow import graph_of
from ptlint.passes.graph import Evaluated, Graph, Returned, TooLarge
from ptlint.passes.wording import called, text
from tests.passes.code import view


def graph(body: str) -> Graph:
    """Return the graph of a function with *body*."""
    return graph_of(view(f"static int walked(int a, int b)\n{{\n{body}\n}}\n").definition)


def traces(body: str, limit: int = 60) -> set[str]:
    """Return the calls on each way through *body*, feasible or not, every edge taken at most twice."""
    made = graph(body)
    found: set[str] = set()
    pending: list[tuple[int, tuple[str, ...], tuple[tuple[int, int], ...]]] = [(0, (), ())]
    while pending:
        number, calls, taken = pending.pop()
        step = made.nodes[number].step
        if isinstance(step, Evaluated):
            calls = (*calls, called(step.call))
        if isinstance(step, Returned):
            found.add(" ".join(calls))
        for at, edge in enumerate(made.nodes[number].edges):
            if taken.count((number, at)) < 2 and len(taken) < limit:
                pending.append((edge.to, calls, (*taken, (number, at))))
    return found


def test_arguments_are_evaluated_before_the_call() -> None:
    assert traces("return f(g(a), h(b));") == {"g h f"}


def test_a_short_circuit_skips_the_right_side() -> None:
    assert traces("if (f(a) && g(b))\n\th(a);\nreturn 0;") == {"f", "f g", "f g h"}


def test_a_switch_falls_through_and_may_fit_no_case() -> None:
    assert traces("switch (a) {\ncase 1:\n\tf(a);\ncase 2:\n\tg(a);\n\tbreak;\ncase 3:\n\th(a);\n}\nreturn 0;") == {
        "f g",
        "g",
        "h",
        "",
    }


def test_goto_leads_to_its_label_forwards_and_backwards() -> None:
    body = "again:\n\tf(a);\n\tif (a)\n\t\tgoto out;\n\tif (b)\n\t\tgoto again;\n\tg(b);\nout:\n\treturn h(a);"
    assert {"f h", "f g h", "f f h"} <= traces(body)


def test_nothing_follows_a_call_that_does_not_return() -> None:
    assert traces('if (a)\n\tpanic("no");\nreturn f(a);') == {"f"}


def test_the_way_around_a_loop_is_told_from_the_way_out() -> None:
    made = graph("while (a--)\n\tf(a);\nreturn 0;")
    around = [edge for node in made.nodes for edge in node.edges if edge.around is not None]
    (only,) = around
    assert only.around is not None
    inside = [made.nodes[at].step for at in range(*only.around)]
    assert any(isinstance(step, Evaluated) and called(step.call) == "f" for step in inside)


def test_break_and_continue_belong_to_the_innermost_loop() -> None:
    body = "for (;;) {\ndo {\nf(a);\nif (a)\ncontinue;\nbreak;\n} while (g(b));\nbreak;\n}\nreturn h(a);"
    found = traces(body)
    assert {"f h", "f g h", "f g f h"} <= found
    assert all(trace.endswith("h") for trace in found)


def test_a_value_that_is_dropped_is_told_from_one_that_is_used() -> None:
    steps = [node.step for node in graph("f(a);\nb = g(a);\nreturn b;").nodes if isinstance(node.step, Evaluated)]
    assert [(called(step.call), step.dropped) for step in steps] == [("f", True), ("g", False)]
    assert text(steps[1].result) == "b"


def test_a_function_with_too_many_steps_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_NODES", 10)
    with pytest.raises(TooLarge):
        graph("f(a);" * 20 + "return 0;")


GUARD = "int g __attribute__((cleanup(unlock))) = lock(a);"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{GUARD} return f(b);", {"lock f unlock"}),
        (f"{{ {GUARD} f(b); }} g(b); return 0;", {"lock f unlock g"}),
        (f"{GUARD} if (a) return f(b); g(b); return 0;", {"lock f unlock", "lock g unlock"}),
        (f"while (f(a)) {{ {GUARD} if (b) break; g(b); }} return 0;", None),
        (f"{GUARD} {{ int h __attribute__((cleanup(free_it))) = take(); }} return 0;", {"lock take free_it unlock"}),
        ("for (int g __attribute__((cleanup(unlock))) = lock(a); b; b = 0) f(b); return 0;", None),
    ],
)
def test_leaving_a_scope_calls_the_cleanups_of_it(body: str, expected: set[str] | None) -> None:
    found = traces(body)
    assert found
    assert expected is None or found == expected
    for trace in found:
        calls = trace.split()
        assert calls.count("lock") == calls.count("unlock")
        assert [name for name in calls if name in ("lock", "unlock")][::2] == ["lock"] * calls.count("lock")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"{{ {GUARD} if (a) goto out; f(b); }} g(b); out: return h(a);", {"lock unlock h", "lock f unlock g h"}),
        (f"{{ {GUARD} {{ if (a) goto in; f(b); }} in: g(b); }} return 0;", {"lock g unlock", "lock f g unlock"}),
        (
            f"{GUARD} {{ int h __attribute__((cleanup(free_it))) = take(); if (a) goto out; }} f(b); out: return 0;",
            {"lock take free_it unlock", "lock take free_it f unlock"},
        ),
        (
            f"for (;;) {{ {GUARD} if (f(a)) goto out; }} out: return 0;",
            {"lock f unlock", "lock f unlock lock f unlock"},
        ),
    ],
)
def test_a_goto_calls_the_cleanups_of_the_scopes_that_it_leaves(body: str, expected: set[str]) -> None:
    assert traces(body) == expected


def test_a_goto_to_a_label_above_a_declaration_cleans_it_up_before_it_is_made_anew() -> None:
    found = traces(f"again: f(a); {GUARD} if (b) goto again; return 0;")
    assert {"f lock unlock", "f lock unlock f lock unlock"} <= found
    assert all(" lock f" not in trace and "lock lock" not in trace for trace in found)


def test_a_goto_from_assembly_cleans_up_as_well() -> None:
    assert traces(f'{{ {GUARD} asm goto("" : : : : out); f(b); }} out: return 0;') == {"lock unlock", "lock f unlock"}
