"""Items found segment by segment are those of the whole text, whatever the conditionals cut apart."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ptlint.core.tree import MemoryTree
from ptlint.csrc.directives import scan
from ptlint.csrc.includes import IncludePath
from ptlint.csrc.instance import Instance
from ptlint.csrc.items import index_of_text, items_of
from ptlint.csrc.profile import profile_named
from ptlint.csrc.segments import files_holding, words_of
from ptlint.csrc.unit import Unit

PIECES = (
    "int a;\n",
    "struct s { int x; };\n",
    "static int f(void)\n{\n\treturn 1;\n}\n",
    "static int g(int b)\n{\n",
    "\tb++;\n",
    "}\n",
    "EXPORT(f)\n",
    "LONE\n",
    "\n",
    "DEFINE(x, y)\n{ }\n",
    "DEFINE(x)\n",
    "typedef unsigned long t;\n",
    "typedef struct {\n",
    "} u;\n",
    "enum { A, B(1), C };\n",
    "/* a comment; { */\n",
    'char *s = "a;{";\n',
    "#define M(x) x;\n",
)
CONDITIONS = ("#if 1\n", "#if 0\n", "#else\n", "#endif\n", "#ifdef NONE\n", "#ifndef NONE\n")


def read(text: str) -> Instance:
    """Return the one reading of a file with *text*."""
    tree = MemoryTree({"a.h": text.encode()})
    unit = Unit(IncludePath(tree, profile_named("x86")), lambda path: scan(path, tree.files[path]))
    assert unit.read("a.h")
    return unit.instances[0]


@given(st.lists(st.sampled_from(PIECES + CONDITIONS), max_size=24))
@settings(max_examples=300, deadline=None)
def test_items_of_segments_are_those_of_the_whole_text(pieces: list[str]) -> None:
    instance = read("".join(pieces))
    whole, found = index_of_text(instance.active_text()), items_of(instance)
    assert list(whole.items) == found.items
    assert list(whole.calls) == found.calls
    assert whole.names == found.names
    assert all(found.places(name) == places for name, places in whole.names.items())


@given(st.lists(st.sampled_from(PIECES + CONDITIONS), max_size=24))
@settings(max_examples=100, deadline=None)
def test_the_active_text_has_the_bytes_of_the_file_or_blanks(pieces: list[str]) -> None:
    instance = read("".join(pieces))
    text, raw = instance.active_text(), instance.scan.text
    assert len(text) == len(raw)
    assert all(new == old or (new == " " and old != "\n") for new, old in zip(text, raw, strict=True))
    assert all(text[at] == " " or not instance.is_active(at) for at, sign in enumerate(raw) if sign == "#")


def test_words_lead_to_the_files_that_hold_them() -> None:
    one = scan("one.h", b"typedef struct { int inside_a_record; } made_here;\nextern int only_one_has_it;\n")
    words_of(one)
    assert files_holding("only_one_has_it") == [one.number]
