"""Headers are read once for all trees that agree on them, and again where a tree differs."""

from ptlint.core.tree import MemoryTree, Snapshot
from ptlint.csrc.profile import profile_named
from ptlint.csrc.universe import Universe, load_universe
from tests.csrc.small_kernel import FILES, GENERIC

HEADER = "include/linux/pgtable.h"


def base() -> MemoryTree:
    return MemoryTree({path: text.encode() for path, text in FILES.items()})


def loaded(tree: MemoryTree | Snapshot) -> Universe:
    return load_universe(tree, profile_named("x86"))


def test_a_tree_that_differs_in_a_source_file_shares_the_headers() -> None:
    tree = base()
    first = loaded(tree)
    second = loaded(Snapshot(tree).with_files({"arch/x86/mm/entry.c": b"pte_t entry_clear(int a)\n{\n}\n"}))
    assert second.unit is first.unit
    function = second.function("entry_clear")
    assert function is not None
    assert function.pos.line == 1
    assert set(second.files) >= {HEADER, "arch/x86/mm/entry.c"}


def test_a_tree_that_differs_in_a_header_reads_it_again() -> None:
    tree = base()
    first = loaded(tree)
    second = loaded(Snapshot(tree).with_files({HEADER: b"\n" + GENERIC.encode()}))
    assert second.unit is not first.unit
    places = [universe.headers.sites("entry_clear")[0].line for universe in (first, second)]
    assert places == [12, 12]
    lines = [universe.headers.macro_line("set_entry") for universe in (first, second)]
    assert [place.line if place else 0 for place in lines] == [23, 24]


def test_a_header_that_comes_into_being_is_noticed() -> None:
    tree = MemoryTree({HEADER: b"#include <linux/extra.h>\nint a;\n"})
    first = loaded(tree)
    assert [name for _, name in first.not_found] == ["linux/extra.h"]
    second = loaded(Snapshot(tree).with_files({"include/linux/extra.h": b"#define EXTRA 1\n"}))
    assert second.not_found == ()
    assert second.macro("EXTRA") is not None
