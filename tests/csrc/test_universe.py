"""A universe finds the definition that the compiler would take, and reads it on demand."""

import pytest

from ptlint.csrc.ast import Binary, Call, Declaration, ExprStmt, FunctionDef, IntConst, Name, RecordType
from ptlint.csrc.constexpr import evaluate
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.universe import SourceText
from tests.csrc.small_kernel import GENERIC, universe


def place(function: FunctionDef | None) -> tuple[str, int]:
    assert function is not None
    return function.pos.path, function.pos.line


def test_the_generic_body_is_effective_where_no_architecture_overrides_it() -> None:
    assert place(universe("riscv").function("set_entries")) == ("include/linux/pgtable.h", 6)


def test_an_alias_leads_to_the_architectures_body() -> None:
    here = universe("x86")
    assert here.resolve_alias("set_entries") == "__set_entries"
    assert place(here.function("set_entries")) == ("arch/x86/include/asm/pgtable.h", 14)


def test_an_extern_leads_to_the_file_that_the_makefile_builds() -> None:
    assert place(universe("x86").function("entry_clear")) == ("arch/x86/mm/entry.c", 7)


def test_a_configuration_without_the_guard_takes_the_generic_body() -> None:
    here = universe("x86", {"arch/x86/include/asm/pgtable.h": "typedef struct { unsigned long pte; } pte_t;\n"})
    assert place(here.function("entry_clear")) == ("include/linux/pgtable.h", 14)


def test_code_of_a_source_file_sees_its_own_static_functions_and_macros() -> None:
    here = universe("x86")
    assert place(here.in_file("arch/x86/mm/entry.c").function("mask")) == ("arch/x86/mm/entry.c", 3)
    assert here.macro("LOCAL_MASK") is None
    function = here.in_file("arch/x86/mm/entry.c").function("mask")
    assert function is not None
    assert function.macros == {"LOCAL_MASK", "PTE_DIRTY"}


def test_a_function_that_a_macro_pastes_together_is_found_at_the_use() -> None:
    function = universe("x86").function("pte_mkclean")
    assert place(function) == ("arch/x86/include/asm/pgtable.h", 8)


def test_macros_are_those_of_the_place_and_not_of_the_end() -> None:
    text = "#define V 1\nstatic inline int f(void) { return V; }\n#undef V\n#define V 2\n"
    here = universe("riscv", {"include/linux/pgtable.h": text + "static inline int g(void) { return V; }\n"})
    values = [str(here.function(name)).count("IntConst(value=1") for name in ("f", "g")]
    assert values == [1, 0]


def test_a_macro_defined_between_two_functions_of_one_block_counts_from_its_line() -> None:
    text = "static inline int f(void) { return V; }\n#define V 7\nstatic inline int g(void) { return V; }\n"
    here = universe("riscv", {"include/linux/pgtable.h": "#define A 1\n" + text})
    assert isinstance(_returned(here.function("f")), Name)
    assert isinstance(_returned(here.function("g")), IntConst)


def _returned(function: FunctionDef | None) -> object:
    assert function is not None
    return getattr(function.body.items[-1], "value", None)


def test_kept_macros_stay_calls() -> None:
    here = universe("riscv", {"include/linux/pgtable.h": "#define R(x) (x)\nint f(int a) { R(a + 1); return 0; }\n"})
    function = here.function("f", frozenset({"R"}))
    assert function is not None
    statement = function.body.items[0]
    assert isinstance(statement, ExprStmt)
    assert isinstance(statement.expr, Call)
    assert isinstance(statement.expr.args[0], Binary)


def test_types_records_and_enumerators_are_resolved() -> None:
    here = universe("x86")
    assert here.is_typedef("pte_t")
    assert isinstance(here.typedef("pte_t"), RecordType)
    assert [here.enumerator(name) for name in ("LEVEL_PTE", "LEVEL_PMD", "LEVEL_PUD", "nothing")] == [0, 4, 5, None]
    assert evaluate(here.expression("sizeof(pte_t) + PTE_DIRTY"), here.types, here.enumerator) == 8 + 128


def test_names_in_an_enum_may_be_made_by_a_macro() -> None:
    text = "enum {\n#define BIT(n, v) VMA_##n##_BIT = v\n\tBIT(READ, 3),\n\tBIT(WRITE, 5),\n#undef BIT\n};\n"
    here = universe("riscv", {"include/linux/pgtable.h": text})
    assert here.enumerator("VMA_WRITE_BIT") == 5


def test_a_variable_is_taken_with_its_initialiser_from_the_file_that_is_built() -> None:
    changes = {
        "include/linux/pgtable.h": "extern int table[2];\n",
        "arch/x86/mm/entry.c": "int table[2] = { 1, 2 };\n",
    }
    found = universe("x86", changes).variable("table")
    assert found is not None
    assert isinstance(found[0], Declaration)
    assert found[1].init is not None
    assert found[1].pos.path == "arch/x86/mm/entry.c"


def test_an_override_of_a_file_replaces_only_what_that_file_defines() -> None:
    text = SourceText("include/linux/pgtable.h", 100, "void set_entries(pte_t *p, pte_t v, unsigned int n)\n{\n}\n")
    assert place(universe("riscv", overrides={"set_entries": text}).function("set_entries")) == (text.path, 100)
    own = "typedef int pte_t;\n#define set_entries set_entries\nvoid set_entries(pte_t *p) { }\n"
    changes = {"arch/x86/include/asm/pgtable.h": own}
    assert place(universe("x86", changes, {"set_entries": text}).function("set_entries"))[0].startswith("arch/x86")


def test_what_an_unreadable_override_would_replace_does_not_run_in_its_place() -> None:
    text = SourceText("include/linux/pgtable.h", 100, "void set_entries(pte_t *p)\n{\n\t1 + ;\n}\n")
    seen = universe("riscv", overrides={"set_entries": text})
    assert seen.function("set_entries") is None
    assert seen.in_file("mm/nowhere.c").function("set_entries") is None
    assert seen.not_understood


def test_an_override_from_elsewhere_replaces_whatever_is_effective() -> None:
    text = SourceText("proposal", 5, "static pte_t entry_clear(unsigned long a, pte_t *p)\n{\n\treturn *p;\n}\n")
    assert place(universe("x86", overrides={"entry_clear": text}).function("entry_clear")) == ("proposal", 5)


def test_an_override_in_a_generic_header_that_is_gone_leaves_alone_what_an_architecture_defines() -> None:
    text = SourceText("include/asm-generic/gone.h", 5, "static pte_t entry_clear(unsigned long a, pte_t *p)\n{\n}\n")
    overrides = {"entry_clear": text}
    assert place(universe("riscv", overrides=overrides).function("entry_clear")) == (text.path, 5)
    assert place(universe("x86", overrides=overrides).function("entry_clear"))[0] == "arch/x86/mm/entry.c"


def test_conditionals_inside_an_override_are_decided() -> None:
    body = "#ifdef CONFIG_X86_64\n\tp++;\n#else\n\t)\n#endif\n\treturn *p;\n"
    code = f"static pte_t entry_clear(unsigned long a, pte_t *p)\n{{\n{body}}}\n"
    text = SourceText("proposal", 5, code)
    found = universe("x86", overrides={"entry_clear": text}).function("entry_clear")
    assert found is not None
    assert [one.pos.line for one in found.body.items] == [8, 12]


def test_an_override_of_one_architecture_concerns_no_other() -> None:
    text = SourceText("arch/x86/mm/gone.c", 5, "static pte_t entry_clear(unsigned long a, pte_t *p)\n{\n}\n")
    overrides = {"entry_clear": text}
    assert place(universe("riscv", overrides=overrides).function("entry_clear"))[0] == "include/linux/pgtable.h"
    assert place(universe("x86", overrides=overrides).function("entry_clear")) == (text.path, 5)


def test_an_include_that_leads_nowhere_is_recorded_and_no_fault() -> None:
    here = universe("riscv", {"include/linux/pgtable.h": '#include <generated/bounds.h>\n#include "gone.h"\nint a;\n'})
    assert [name for _, name in here.not_found] == ["generated/bounds.h", "gone.h"]
    assert here.not_understood == ()


def test_an_item_that_cannot_be_read_is_listed_with_its_place() -> None:
    here = universe("riscv", {"include/linux/pgtable.h": "int a;\nstatic int f(int x)\n{\n\treturn x +;\n}\n"})
    assert here.function("f") is None
    assert [(span.path, span.line) for span, _ in here.not_understood] == [("include/linux/pgtable.h", 4)]


def test_files_that_include_themselves_end() -> None:
    here = universe("riscv", {"include/linux/pgtable.h": "#include <linux/pgtable.h>\nint a;\n"})
    assert len(here.unit.instances) <= 201


def test_includes_that_multiply_end() -> None:
    files = {f"include/linux/x{at}.h": f"#include <linux/x{at + 1}.h>\n" * 2 for at in range(40)}
    here = universe("riscv", {**files, "include/linux/pgtable.h": "#include <linux/x0.h>\n"})
    assert len(here.unit.instances) <= 20_000


def test_many_includes_of_many_directives_end() -> None:
    files = {f"include/linux/x{at}.h": f"#include <linux/x{at + 1}.h>\n" * 2 for at in range(14)}
    files["include/linux/x14.h"] = "#define A\n#undef A\n" * 1000
    here = universe("riscv", {**files, "include/linux/pgtable.h": "#include <linux/x0.h>\n"})
    assert any("the rest is not read" in what for _, what in here.not_understood)


@pytest.mark.parametrize(
    "text",
    [
        "{" * 3000,
        "(" * 100_000,
        "#if 1\n" * 3000,
        '"' * 5001,
        "/*",
        "typedef " * 2000,
        "\0\xff",
        "{}" * 100_000,
        "f(" * 100_000,
    ],
)
def test_hostile_text_is_no_traceback(text: str) -> None:
    here = universe("riscv", {"include/linux/pgtable.h": text + "\nint f(void) { return 0; }\n" + GENERIC})
    here.function("f")
    here.is_typedef("nothing")
    with pytest.raises(CSourceError):
        here.expression("1 +")


def test_the_files_that_were_read_are_known_by_blob_id() -> None:
    here = universe("riscv")
    assert set(here.files) == {"arch/riscv/include/asm/pgtable.h", "include/linux/pgtable.h"}
    assert all(len(blob) == 40 for blob in here.files.values())


def test_a_macro_alone_on_its_line_is_an_item_only_before_a_blank_line() -> None:
    macros = "#define MAKE int made(void) { return 1; }\n#define ATTRS static inline\n"
    text = macros + "MAKE\n\nATTRS\nint plain(void) { return 2; }\n"
    here = universe("riscv", {"include/linux/pgtable.h": text})
    made, plain = here.function("made"), here.function("plain")
    assert made is not None
    assert plain is not None
    assert plain.storage >= {"static", "inline"}
