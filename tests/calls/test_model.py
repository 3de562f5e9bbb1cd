"""What the model says of one definition."""

from ptlint.calls.model import profile_model
from tests.csrc.small_kernel import universe

GENERIC = "include/linux/pgtable.h"


def test_a_macro_with_parameters_is_what_runs_and_not_the_function_under_its_name() -> None:
    text = "static inline void flush_thing(int *p) { one(p); }\n#define flush_thing(p) other(p)\n"
    row = profile_model(universe("riscv", {GENERIC: text}), ["flush_thing"]).rows["flush_thing"]
    assert (row.definition.shape, [call.name for call in row.calls], row.signature) == ("macro", ["other"], "")


def test_a_macro_that_calls_the_function_of_its_own_name_leads_to_it() -> None:
    text = "static inline void flush_thing(int *p) { one(p); }\n#define flush_thing(p) flush_thing(p)\n"
    row = profile_model(universe("riscv", {GENERIC: text}), ["flush_thing"]).rows["flush_thing"]
    assert [call.name for call in row.calls] == ["one"]
    assert row.parameters == ("p",)
