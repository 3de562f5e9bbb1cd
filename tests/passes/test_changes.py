"""What a patch changes, by name: from two trees, from the hunks of a mail, and from bare C."""

import pytest

from ptlint.core.patch import Patch, PatchRef
from ptlint.core.tree import MemoryTree
from ptlint.mail.diff import parse_diff
from ptlint.passes.changes import changes_between, changes_in_hunks, changes_in_text, partial_functions
from tests.kernels import diff_of

PATH = "mm/x.c"

BEFORE = """\
#define SHIFT 12

struct pair {
	int a, b;
};

/* Add one. */
static int more(int x)
{
	return x + 1;
}

static int less(int x)
{
	return x - 1;
}
"""


def changed(after: str, before: str = BEFORE, path: str = PATH) -> list[tuple[str, str, int, bool]]:
    """Return kind, name, first changed line and newness of every change."""
    trees = (MemoryTree({path: before.encode()}), MemoryTree({path: after.encode()}))
    return [(one.kind, one.name, one.line, one.is_new) for one in changes_between(*trees, [path])]


def patch_of(after: str, before: str = BEFORE, path: str = PATH) -> Patch:
    diff = diff_of({path: before}, {path: after}).encode()
    return Patch(PatchRef(1, 1, "", "change"), "", "", "", parse_diff(diff), diff)


def test_a_changed_function_is_named_with_its_first_changed_line() -> None:
    assert changed(BEFORE.replace("x + 1", "x + 2")) == [("function", "more", 10, False)]


def test_new_functions_and_changed_macros_are_named() -> None:
    after = BEFORE.replace("12", "13") + "\nstatic int same(int x)\n{\n\treturn x;\n}\n"
    assert changed(after) == [("macro", "SHIFT", 1, False), ("function", "same", 18, True)]


def test_a_changed_structure_is_something_else() -> None:
    assert changed(BEFORE.replace("int a, b;", "int a, b, c;")) == [("other", "pair", 4, False)]


@pytest.mark.parametrize(
    "after",
    [
        BEFORE,
        "\n\n" + BEFORE,
        BEFORE.replace("Add one.", "Add 1."),
        BEFORE.replace("\treturn x + 1;", "\t/* one more */\n\n\treturn x + 1; // done"),
        BEFORE.replace("{\n\treturn x - 1;\n}", "{\n\treturn x\n\t\t- 1;\n}"),
    ],
)
def test_comments_blanks_and_moves_are_no_change(after: str) -> None:
    assert changed(after) == []


def test_what_is_removed_is_named_where_it_stood() -> None:
    less = "static int less(int x)\n{\n\treturn x - 1;\n}\n"
    assert changed(BEFORE.replace(less, "")) == [("removed", "less", 12, False)]
    assert changed(BEFORE.replace("#define SHIFT 12\n", "")) == [("removed", "SHIFT", 1, False)]
    assert changed("") == [("removed", name, 1, False) for name in ("SHIFT", "pair", "more", "less")]


def test_what_is_removed_beside_a_name_that_comes_again_is_not_put_there() -> None:
    again = "#define TAKEN\nvoid first(void) { }\nint between;\n#define TAKEN\n#define second first\n"
    after = again.replace("#define TAKEN\nvoid first(void) { }\n", "")
    assert changed(after, again) == [("removed", "first", 1, False)]


@pytest.mark.parametrize("condition", ["#ifdef CONFIG_SWAP", "#if defined(CONFIG_SWAP) && 1", "#ifndef less"])
def test_another_condition_around_it_is_a_change_of_its_guard(condition: str) -> None:
    less = "static int less(int x)\n{\n\treturn x - 1;\n}\n"
    guarded = BEFORE.replace(less, f"{condition}\n{less}#endif\n")
    assert changed(guarded) == [("guard", "less", 14, False)]
    assert changed(BEFORE, guarded) == [("guard", "less", 13, False)]
    assert changed(guarded.replace(condition, condition + " /* why */"), guarded) == []
    otherwise = BEFORE.replace(less, f"{condition}\n#else\n{less}#endif\n")
    assert changed(otherwise, guarded) == [("guard", "less", 15, False)]


def test_the_guard_of_a_header_is_no_condition() -> None:
    header = f"#ifndef MM_X_H\n#define MM_X_H\n{BEFORE}#endif\n"
    assert changed(header) == [("macro", "MM_X_H", 2, True)]
    assert changed(header.replace("MM_X_H", "_MM_X_H_"), header) == [
        ("removed", "MM_X_H", 1, False),
        ("macro", "_MM_X_H_", 2, True),
    ]


def test_other_files_than_c_are_left_alone() -> None:
    assert changed(BEFORE.replace("x + 1", "x + 2"), path="mm/x.rst") == []


def test_the_functions_that_a_hunk_shows_whole_are_found_at_their_lines() -> None:
    (change,) = changes_in_hunks(patch_of(BEFORE.replace("x + 1", "x + 2")))
    assert (change.kind, change.name, change.span.line, change.line) == ("function", "more", 8, 10)
    assert change.text == "static int more(int x)\n{\n\treturn x + 2;\n}"


def test_a_function_that_no_hunk_shows_whole_is_named_as_partial() -> None:
    long = BEFORE.replace("return x + 1;", "x++;\n\tx++;\n\tx++;\n\tx++;\n\tx++;\n\treturn x;")
    patch = patch_of(long.replace("return x;", "return -x;"), long)
    assert changes_in_hunks(patch) == ()
    ((name, span),) = partial_functions(patch)
    assert (name, span.path, span.line) == ("", PATH, 15)
    ((name, span),) = partial_functions(patch_of(long.replace("{\n\tx++;", "{\n\tx--;"), long))
    assert (name, span.line) == ("more", 10)


def test_prototypes_that_go_on_in_a_second_line_are_no_partial_functions() -> None:
    after = BEFORE + "\nint many(int one, int two,\n\t\tint three);\n"
    assert partial_functions(patch_of(after)) == ()


def test_bare_c_gives_its_whole_functions_as_new() -> None:
    found = changes_in_text("mm/y.c", "int one(void)\n{\n\treturn 1;\n}\n\nint half(void)\n{\n", line=40)
    assert [(one.name, one.span.line, one.is_new) for one in found] == [("one", 40, True)]


def test_a_label_in_the_first_column_begins_no_function() -> None:
    assert changes_in_text(PATH, "out:\n\tif (x) {\n\t\tx = 2;\n\t}\n") == ()


def test_a_closing_brace_in_the_first_column_inside_a_function_does_not_end_it() -> None:
    text = "void f(void)\n{\n\tif (a) {\n\t\tb();\n}\n\tc();\n}\n\nvoid g(void) { d(); }\n"
    assert [(one.name, one.span.line, one.span.end_line) for one in changes_in_text("mm/x.c", text)] == [
        ("f", 1, 7),
        ("g", 9, 9),
    ]


BRANCHES = """static inline void set_pte(pte_t *ptep, pte_t pte)
{
#ifdef CONFIG_XPA
	if (pte.pte_high & _PAGE_GLOBAL) {
#else
	if (pte.pte_low & _PAGE_GLOBAL) {
#endif
		ptep->pte_low |= _PAGE_GLOBAL;
	}
}

static inline pte_t pte_mkclean(pte_t pte)
{
	return %s;
}
"""


def test_a_block_that_each_branch_of_a_conditional_opens_ends_once() -> None:
    path = "arch/mips/include/asm/pgtable.h"
    before, after = (MemoryTree({path: (BRANCHES % text).encode()}) for text in ("pte", "__pte(0)"))
    assert [change.name for change in changes_between(before, after, [path])] == ["pte_mkclean"]


def test_a_declaration_with_a_semicolon_in_a_comment_hides_no_function() -> None:
    text = "int first(int a /* ; */,\n\t  int b)\n{\n\treturn a + b; /* done; */\n}\n"
    assert [change.name for change in changes_in_text(PATH, text)] == ["first"]


def test_heads_that_never_end_do_not_hide_the_functions_before_them() -> None:
    text = "int first(void)\n{\n\treturn 1;\n}\n" + "int f(\n" * 5000 + "\n}\n"
    assert changes_in_text(PATH, text)[0].name == "first"


@pytest.mark.parametrize("last", ["70", "71"])
def test_the_last_of_many_branches_is_told_from_the_others(last: str) -> None:
    branches = "".join(f"#elif A > {number}\n#define B {number}\n" for number in range(70))
    before = f"#if 0\n{branches}#elif A > 70\n#define B 70\n#endif\n"
    after = f"#if 0\n{branches}#elif A > {last}\n#define B 70\n#endif\n"
    trees = MemoryTree({PATH: before.encode()}), MemoryTree({PATH: after.encode()})
    assert [change.kind for change in changes_between(*trees, [PATH])] == (["guard"] if last == "71" else [])
