"""What a patch changes, by name, between two trees."""

import pytest

from ptlint.core.tree import MemoryTree
from ptlint.passes.changes import changes_between

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


@pytest.mark.parametrize("last", ["70", "71"])
def test_the_last_of_many_branches_is_told_from_the_others(last: str) -> None:
    branches = "".join(f"#elif A > {number}\n#define B {number}\n" for number in range(70))
    before = f"#if 0\n{branches}#elif A > 70\n#define B 70\n#endif\n"
    after = f"#if 0\n{branches}#elif A > {last}\n#define B 70\n#endif\n"
    trees = MemoryTree({PATH: before.encode()}), MemoryTree({PATH: after.encode()})
    assert [change.kind for change in changes_between(*trees, [PATH])] == (["guard"] if last == "71" else [])
