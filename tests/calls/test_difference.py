"""What a change of a tree changes in the model."""

from ptlint.calls.difference import differences
from ptlint.calls.facts import ProfileModel
from ptlint.calls.model import profile_model
from tests.csrc.small_kernel import ARCH, GENERIC, universe

PATH = "include/linux/pgtable.h"
X86 = "arch/x86/include/asm/pgtable.h"
RISCV = "arch/riscv/include/asm/pgtable.h"
PTE = "typedef struct { unsigned long pte; } pte_t;\n"


def model(changes: dict[str, str] | None = None) -> tuple[ProfileModel, ...]:
    names = ("set_entries", "entry_clear", "set_entry")
    return tuple(profile_model(universe(profile, changes), names) for profile in ("x86", "riscv"))


def told(changes: dict[str, str]) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(one.name, one.kind, one.profiles) for one in differences(model(), model(changes))]


def test_a_tree_does_not_differ_from_itself() -> None:
    assert told({}) == []


def test_an_override_that_comes_is_told_with_its_architecture() -> None:
    text = PTE + "#define __HAVE_ARCH_ENTRY_CLEAR\nstatic inline pte_t entry_clear(unsigned long addr, pte_t *ptep)\n"
    found = differences(model(), model({RISCV: text + "{\n\treturn (pte_t){ addr };\n}\n"}))
    assert [(one.kind, one.profiles) for one in found] == [
        ("new-override", ("riscv",)),
        ("parameter", ("riscv",)),
        ("parameter", ("riscv",)),
    ]
    assert [one.text for one in found[1:]] == ["addr matters from here on", "ptep is ignored from here on"]
    assert "generic inline in include/linux/pgtable.h -> arch inline in arch/riscv/" in found[0].text


def test_an_override_that_goes_falls_back_to_generic_code() -> None:
    kinds = told(
        {
            X86: ARCH.replace(
                "#define __HAVE_ARCH_ENTRY_CLEAR\nextern pte_t entry_clear(unsigned long addr, pte_t *ptep);", ""
            )
        }
    )
    assert ("entry_clear", "lost-override", ("x86",)) in kinds


def test_a_changed_signature_is_told_where_it_is_effective() -> None:
    generic = GENERIC.replace("pte_t pte, unsigned int nr)", "pte_t pte, unsigned int nr, bool full)")
    found = differences(model(), model({PATH: generic}))
    assert [(one.name, one.kind, one.profiles) for one in found] == [("set_entries", "signature", ("riscv",))]
    assert found[0].text.endswith("unsigned int nr) -> void (pte_t *ptep, pte_t pte, unsigned int nr, _Bool full)")


def test_another_name_of_a_parameter_is_no_other_signature() -> None:
    generic = GENERIC.replace("pte_t pte, unsigned int nr)", "pte_t entry, unsigned int nr)")
    assert generic != GENERIC
    assert "signature" not in {one.kind for one in differences(model(), model({PATH: generic}))}


def test_a_new_helper_that_an_architecture_gives_at_once_is_an_override() -> None:
    hook = "#ifndef entry_read\nstatic inline pte_t entry_read(pte_t *ptep)\n{\n\treturn *ptep;\n}\n#endif\n"
    own = "#define entry_read entry_read\nstatic inline pte_t entry_read(pte_t *ptep)\n{\n\treturn ptep[0];\n}\n"
    changes = {PATH: GENERIC.replace("#ifndef set_entries\n", hook + "#ifndef set_entries\n", 1), X86: ARCH + own}
    before, after = (
        tuple(profile_model(universe(profile, one), ("entry_read",)) for profile in ("x86", "riscv"))
        for one in (None, changes)
    )
    found = {one.profiles: (one.kind, one.text) for one in differences(before, after)}
    assert found["x86",] == ("new-override", f"is new, and overridden: arch inline in {X86}")
    assert found["riscv",] == ("new", f"is new: generic inline in {PATH}")


def test_a_name_that_comes_and_one_that_goes() -> None:
    gone = told({PATH: GENERIC.replace("#define set_entry(ptep, pte) set_entries(ptep, pte, 1)\n", "")})
    assert gone == [("set_entry", "gone", ("x86", "riscv"))]


def test_a_body_that_calls_something_else_is_told() -> None:
    generic = GENERIC.replace("\twhile (nr--)\n\t\t*ptep++ = pte;\n", "\tentry_clear(nr, ptep);\n\t*ptep = pte;\n")
    generic = generic.replace(
        "#ifndef set_entries\n",
        "static inline pte_t entry_clear(unsigned long addr, pte_t *ptep);\n#ifndef set_entries\n",
    )
    assert ("set_entries", "calls", ("riscv",)) in told({PATH: generic})
