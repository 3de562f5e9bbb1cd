"""Functions that earlier patches showed, after later ones: the same as if the whole file were known."""

import difflib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ptlint.core.patch import Patch, PatchRef
from ptlint.csrc.universe import SourceText
from ptlint.mail.diff import parse_diff
from ptlint.passes.continued import Continued, continued

PATH = "mm/some.c"
ABOVE = ["#include <linux/mm.h>", "", "static int above;", "static int limit;", ""]
FUNCTION = [
    "static pte_t batch(pte_t *ptep, int nr)",
    "{",
    "\tpte_t pte = ptep_get(ptep);",
    "",
    "\twhile (--nr)",
    "\t\tpte = next(pte);",
    "\treturn pte;",
    "}",
]
BELOW = ["", "static int below;", "static int last;"]


def patch_of(before: list[str], after: list[str], context: int) -> Patch:
    lines = difflib.unified_diff(before, after, f"a/{PATH}", f"b/{PATH}", n=context, lineterm="")
    text = f"diff --git a/{PATH} b/{PATH}\n" + "".join(line + "\n" for line in lines)
    return Patch(PatchRef(2, 2, "", ""), "", "", "", parse_diff(text.encode()), b"")


def after(before: list[str], new: list[str], context: int = 3) -> Continued:
    """Return the function as a patch from one text of the file to another leaves it."""
    known = {"batch": SourceText(PATH, before.index(FUNCTION[0]) + 1, "\n".join(FUNCTION))}
    return continued(known, patch_of(before, new, context))


lines = st.lists(st.sampled_from(["static int more;", "/* why */", ""]), max_size=4)


@given(lines, lines, st.sets(st.sampled_from(range(len(FUNCTION)))), lines, st.integers(0, 4))
@example([], [], {0}, [], 0)
@example([], [], {len(FUNCTION) - 1}, ["static int more;"], 0)
@settings(max_examples=300, deadline=None, derandomize=True, database=None)
def test_it_is_what_the_file_holds(
    above: list[str], between: list[str], rewritten: set[int], below: list[str], context: int
) -> None:
    body = [f"{line} /* rewritten */" if at in rewritten else line for at, line in enumerate(FUNCTION)]
    new = [*above, *ABOVE[2:], *between, *body, *below, *BELOW]
    found = after([*ABOVE, *FUNCTION, *BELOW], new, context).texts["batch"]
    text = "\n".join(body)
    if len(FUNCTION) - 1 in rewritten:  # what stands behind the last brace is none of it
        text = text.removesuffix(" /* rewritten */")
    assert (found.path, found.line, found.text) == (PATH, new.index(body[0]) + 1, text)


def test_a_change_names_the_line_that_differs() -> None:
    body = [line.replace("--nr", "nr-- > 1") for line in FUNCTION]
    found = after([*ABOVE, *FUNCTION, *BELOW], ["", *ABOVE, *body, *BELOW])
    (change,) = found.changes
    assert (change.kind, change.name, change.is_new) == ("function", "batch", False)
    assert (change.span.line, change.line) == (7, 11)


def test_a_comment_is_no_change() -> None:
    body = [line.replace("\treturn", "\t/* done */ return") for line in FUNCTION]
    found = after([*ABOVE, *FUNCTION, *BELOW], [*ABOVE, *body, *BELOW])
    assert (found.texts["batch"].text, found.changes) == ("\n".join(body), ())


def test_a_function_that_goes_is_not_known_any_more() -> None:
    assert after([*ABOVE, *FUNCTION, *BELOW], [*ABOVE, *BELOW]) == Continued({})
    other = [line.replace("batch(", "other(") for line in FUNCTION]
    assert after([*ABOVE, *FUNCTION, *BELOW], [*ABOVE, *other, *BELOW]) == Continued({})


def test_a_function_that_the_patch_expects_otherwise_is_not_known_any_more() -> None:
    between = [line.replace("next(pte)", "pte_next_pfn(pte)") for line in FUNCTION]
    patch = patch_of([*ABOVE, *between, *BELOW], [*ABOVE, *between[:-2], "\treturn pte + 1;", "}", *BELOW], 3)
    assert continued({"batch": SourceText(PATH, 6, "\n".join(FUNCTION))}, patch) == Continued({})


def test_other_files_are_none_of_its_business() -> None:
    known = {"batch": SourceText("mm/other.c", 6, "\n".join(FUNCTION))}
    assert continued(known, patch_of([*ABOVE], ["", *ABOVE], 3)).texts == known
