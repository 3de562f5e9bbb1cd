"""Functions that a patch shows in part, made into functions that can be read."""

from ptlint.core.patch import Patch, PatchRef
from ptlint.csrc.universe import load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.mail.diff import parse_diff
from ptlint.passes.fragments import Fragment, fragments_of
from ptlint.passes.functions import Book, View
from ptlint.reference import reference_tree


def fragments(*hunks: tuple[int, str, str]) -> list[Fragment]:
    """Return the fragments of a patch of ``mm/some.c`` with *hunks*: line, function, lines."""
    text = "diff --git a/mm/some.c b/mm/some.c\n--- a/mm/some.c\n+++ b/mm/some.c\n"
    moved = 0
    for start, section, body in hunks:
        lines = body.strip("\n").split("\n")
        old, new = sum(line[:1] != "+" for line in lines), sum(line[:1] != "-" for line in lines)
        text += f"@@ -{start},{old} +{start + moved},{new} @@ {section}\n" + "".join(line + "\n" for line in lines)
        moved += new - old
    patch = Patch(PatchRef(1, 1, "", ""), "", "", "", parse_diff(text.encode()), b"")
    return list(fragments_of(patch))


def read(fragment: Fragment) -> View | None:
    """Return *fragment* as rules see it."""
    tree, texts = reference_tree(), {fragment.name: fragment.text}
    book = Book(tree, (REFERENCE,), texts, lambda profile: load_universe(tree, profile, overrides=texts))
    return book.view("mm/some.c", fragment.name)


LOOP = """
  * a comment that began above
  */
 \tdo {
-\t\tdrop(ptep);
+\t\tkeep(ptep);
 \t\tif (pte_none(pte)) {
"""
REST = """
 \t\t\tmore(a,
 \t\t\t     b);
 \t\t} else {
+\t\t\tother(ptep);
 \t\t}
 \t} while (ptep++);
 \tlast(
"""


def test_hunks_of_one_function_are_one_fragment_at_their_lines() -> None:
    (one,) = fragments((100, "static int walk(int a)", LOOP), (200, "static int walk(int a)", REST))
    view = read(one)
    assert view is not None
    assert {"keep", "other", "more"} <= view.callees
    assert "drop" not in view.callees
    assert one.added == {103, 203}
    lines = {call.line for call in (node.step.call.pos for node in view.graph.nodes if hasattr(node.step, "call"))}  # type: ignore[union-attr]
    assert {103, 203} <= lines


def test_a_hunk_in_which_a_function_begins_is_none() -> None:
    assert fragments((9, "static int walk(int a)", " }\n \n-static int f(void)\n+static int g(void)\n {\n")) == []


def test_what_cannot_be_read_is_no_view() -> None:
    (one,) = fragments((100, "static int walk(int a)", " \ta b c d;\n+\t( ;\n \tx;"))
    assert read(one) is None
