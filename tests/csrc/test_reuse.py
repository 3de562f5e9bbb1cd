"""What preprocessing came to is kept where a change does not lead it another way."""

import pytest

from ptlint.csrc.ast import ExprStmt, While
from ptlint.csrc.unit import Unit
from tests.csrc.small_kernel import GENERIC, SOURCE, universe

HEADER = "include/linux/pgtable.h"
BODY = "\twhile (nr--)\n\t\t*ptep++ = pte;\n"


def _count_reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list that the paths of every reading will be noted in."""
    read: list[str] = []
    original = Unit.read

    def noted(unit: Unit, path: str) -> bool:
        read.append(path)
        return original(unit, path)

    monkeypatch.setattr(Unit, "read", noted)
    return read


def test_a_changed_body_takes_the_place_of_the_old_one_without_a_second_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = universe("riscv").function("set_entries")
    read = _count_reads(monkeypatch)
    new = universe("riscv", {HEADER: GENERIC.replace(BODY, "\tptep[nr - 1] = pte;\n")}).function("set_entries")
    assert read == []
    assert old is not None
    assert isinstance(old.body.items[0], While)
    assert new is not None
    assert isinstance(new.body.items[0], ExprStmt)


def test_the_line_of_a_macro_is_that_of_the_changed_file() -> None:
    before = universe()
    after = universe("x86", {HEADER: GENERIC.replace(BODY, "\n\n" + BODY)})
    old, new = before.headers.macro_line("set_entry"), after.headers.macro_line("set_entry")
    assert old is not None
    assert new is not None
    assert new.line == old.line + 2


def test_a_changed_directive_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    universe()
    read = _count_reads(monkeypatch)
    after = universe("x86", {HEADER: GENERIC.replace("ptep, pte, 1", "ptep, pte, 2")})
    assert read
    macro = after.macro("set_entry")
    assert macro is not None
    assert macro.text.endswith("2)")


def test_a_file_is_not_read_twice_when_its_text_alone_differs(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "arch/x86/mm/entry.c"
    universe().in_file(path)
    read = _count_reads(monkeypatch)
    after = universe("x86", {path: SOURCE + "\nstatic int added(void)\n{\n\treturn 1;\n}\n"})
    assert after.in_file(path).function("added") is not None
    assert read == []
