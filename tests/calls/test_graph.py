"""What a body calls, also through tables, and which parameters matter to it."""

from ptlint.calls.graph import callees, used_parameters
from ptlint.calls.model import profile_model
from ptlint.calls.ops import ops_targets
from ptlint.csrc.universe import Universe
from tests.csrc.small_kernel import universe

TABLE = """\
struct mmu_ops { void (*set)(int *p, int old, int new); int (*get)(int *p); };
struct all_ops { struct mmu_ops mmu; };
extern struct all_ops table;
static inline void plain_set(int *p, int old, int new) { *p = new; }
#define CALL(op, args...) table.op(args)
static inline void set_one(int *p, int old, int new) { CALL(mmu.set, p, old, new); }
static inline void set_many(int *p, int old, int new, int nr)
{
\tfor (;;) {
\t\tset_one(p, old, new);
\t\tif (--nr == 0)
\t\t\tbreak;
\t\tp++;
\t\told = old + 1;
\t\tnew = new + 1;
\t}
}
static inline void keep_old(int *p, int old, int new) { plain_set(p, old, new); }
static inline int again(int n, int unused) { return n ? again(n - 1, unused) : 0; }
static inline void passes_on(int a, int b) { unknown_function(b); }
"""

NATIVE = """\
struct all_ops table = { .mmu = { .set = plain_set,
\t.get = WRAP(native_get) } };
int native_get(int *p) { return *p; }
"""
OTHER = """\
static void hyper_set(int *p, int old, int new) { *p = new; }
static const struct all_ops hyper_ops = { .mmu = {
#ifdef CONFIG_NEVER_SET
\t.set = plain_set,
#else
\t.set = hyper_set,
#endif
} };
void init(void) { table.mmu = hyper_ops.mmu; }
void late(void) { table.mmu.set = hyper_set; }
"""


def tables(makefile: str = "obj-y := native.o hyper.o\n") -> Universe:
    changes = {
        "include/linux/pgtable.h": TABLE,
        "arch/x86/mm/native.c": NATIVE,
        "arch/x86/mm/hyper.c": OTHER.replace("static const", "extern struct all_ops table;\nstatic const", 1),
        "arch/x86/mm/Makefile": makefile,
    }
    return universe("x86", changes)


def test_a_field_of_a_table_holds_what_initialisers_and_assignments_give_it() -> None:
    found = ops_targets(tables(), "table.mmu.set")
    assert [(one.function, one.how, str(one.span)) for one in found] == [
        ("hyper_set", "initialiser", "arch/x86/mm/hyper.c:7"),
        ("hyper_set", "assignment", "arch/x86/mm/hyper.c:11"),
        ("plain_set", "initialiser", "arch/x86/mm/native.c:1"),
    ]


def test_a_table_of_a_file_that_is_not_built_counts_for_nothing() -> None:
    found = ops_targets(tables("obj-y := native.o\nobj-$(CONFIG_NEVER_SET) += hyper.o\n"), "table.mmu.set")
    assert [one.function for one in found] == ["plain_set"]


def test_a_macro_around_a_function_stands_for_the_function() -> None:
    assert [one.function for one in ops_targets(tables(), "table.mmu.get")] == ["native_get"]


def test_a_call_through_a_table_names_the_field() -> None:
    here = tables()
    function = here.function("set_one")
    assert function is not None
    assert [(one.name, one.through) for one in callees(here, function)] == [
        ("hyper_set", "table.mmu.set"),
        ("plain_set", "table.mmu.set"),
    ]


def test_a_parameter_matters_when_a_callee_uses_it() -> None:
    here = tables()
    assert used_parameters(here, "plain_set") == ("p", "new")
    assert used_parameters(here, "keep_old") == ("p", "new")


def test_a_parameter_that_is_only_advanced_and_handed_to_unknown_code_matters() -> None:
    assert used_parameters(tables(), "set_many") == ("p", "old", "new", "nr")
    assert used_parameters(tables(), "passes_on") == ("b",)


def test_a_parameter_that_is_only_advanced_and_handed_to_who_ignores_it_does_not() -> None:
    here = universe(
        "x86", {"include/linux/pgtable.h": TABLE.replace("CALL(mmu.set, p, old, new)", "plain_set(p, old, new)")}
    )
    assert used_parameters(here, "set_many") == ("p", "new", "nr")


def test_recursion_gives_a_parameter_no_meaning() -> None:
    assert used_parameters(tables(), "again") == ("n",)


def test_the_model_of_a_universe_has_a_row_for_each_name_it_declares() -> None:
    rows = profile_model(tables(), ("set_one", "keep_old", "nothing")).rows
    assert set(rows) == {"set_one", "keep_old"}
    assert [(call.name, call.through) for call in rows["keep_old"].calls] == [("plain_set", "")]
    assert (rows["keep_old"].parameters, rows["keep_old"].uses) == (("p", "old", "new"), ("p", "new"))
