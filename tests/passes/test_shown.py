"""What hunks of a mail, and bare C, show of functions, whole or in part."""

from ptlint.core.patch import Patch, PatchRef
from ptlint.mail.diff import parse_diff
from ptlint.passes.shown import changes_in_hunks, changes_in_text, partial_functions
from tests.kernels import diff_of

PATH = "mm/x.c"

BEFORE = """\
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


def patch_of(after: str, before: str = BEFORE, path: str = PATH) -> Patch:
    diff = diff_of({path: before}, {path: after}).encode()
    return Patch(PatchRef(1, 1, "", "change"), "", "", "", parse_diff(diff), diff)


def test_the_functions_that_a_hunk_shows_whole_are_found_at_their_lines() -> None:
    (change,) = changes_in_hunks(patch_of(BEFORE.replace("x + 1", "x + 2")))
    assert (change.kind, change.name, change.span.line, change.line) == ("function", "more", 2, 4)
    assert change.text == "static int more(int x)\n{\n\treturn x + 2;\n}"


def test_a_function_that_no_hunk_shows_whole_is_named_as_partial() -> None:
    long = BEFORE.replace("return x + 1;", "x++;\n\tx++;\n\tx++;\n\tx++;\n\tx++;\n\treturn x;")
    patch = patch_of(long.replace("return x;", "return -x;"), long)
    assert changes_in_hunks(patch) == ()
    ((name, span),) = partial_functions(patch)
    assert (name, span.path, span.line) == ("", PATH, 9)
    ((name, span),) = partial_functions(patch_of(long.replace("{\n\tx++;", "{\n\tx--;"), long))
    assert (name, span.line) == ("more", 4)


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


def test_a_declaration_with_a_semicolon_in_a_comment_hides_no_function() -> None:
    text = "int first(int a /* ; */,\n\t  int b)\n{\n\treturn a + b; /* done; */\n}\n"
    assert [change.name for change in changes_in_text(PATH, text)] == ["first"]


def test_heads_that_never_end_do_not_hide_the_functions_before_them() -> None:
    text = "int first(void)\n{\n\treturn 1;\n}\n" + "int f(\n" * 5000 + "\n}\n"
    assert changes_in_text(PATH, text)[0].name == "first"
