"""Macro definitions and expansion."""

import pytest

from ptlint.csrc.errors import MacroError, MacroLimit
from ptlint.csrc.macros import Macro, define_from, expand
from ptlint.csrc.tokens import Token, spelling, tokenize


class Definitions(dict[str, Macro]):
    """Macros by name."""

    def lookup(self, name: str) -> Macro | None:
        return self.get(name)


def define(*texts: str) -> Definitions:
    macros = [define_from(" " + text, "a.h", number) for number, text in enumerate(texts, 1)]
    return Definitions({macro.name: macro for macro in macros})


def expansion(source: str, *definitions: str, keep: frozenset[str] = frozenset()) -> str:
    return spelling(expand(tokenize(source, "a.c"), define(*definitions), keep))


def test_a_definition_knows_its_parameters() -> None:
    macro = define_from(" call(first, rest...) first(rest)", "a.h", 3, 8)
    assert (macro.name, macro.params, macro.variadic, macro.line) == ("call", ("first",), "rest", 3)
    assert (macro.body[0].text, macro.body[0].column) == ("first", 30)


def test_a_definition_may_be_interrupted_by_comments_and_continuations() -> None:
    macro = define_from(" f/**/oo(a, \\\n /* b */ ...) a", "a.h", 1)
    assert (macro.name, macro.params, macro.body[0].text) == ("f", None, "oo")
    macro = define_from(" foo(a, \\\n /* b */ ...) a", "a.h", 1)
    assert (macro.params, macro.variadic, macro.body[0].line) == (("a",), "__VA_ARGS__", 2)


def test_a_parenthesis_after_space_belongs_to_the_replacement() -> None:
    assert define_from(" foo (a)", "a.h", 1).params is None


@pytest.mark.parametrize("text", ["", " 3", " f(a", " f(a,a) a", " f(1) a", " f(a,) a", " f(..., a) a"])
def test_a_broken_definition_is_refused(text: str) -> None:
    with pytest.raises(MacroError):
        define_from(text, "a.h", 1)


def test_a_repetition_may_differ_in_white_space_amount_only() -> None:
    first, same, other = (define_from(text, "a.h", 1) for text in (" f(a) (a  + 1)", " f(a) (a +  1)", " f(a) (a+ 1)"))
    assert first.same_as(same)
    assert not first.same_as(other)


def test_a_macro_does_not_expand_inside_itself() -> None:
    assert expansion("ptep_get(ptep_get(x))", "ptep_get(p) ptep_get(*(p))") == "ptep_get(*(ptep_get(*(x))))"
    assert expansion("pte_val", "pte_val pte_val") == "pte_val"


def test_rescanning_reads_on_behind_the_replacement() -> None:
    assert expansion("f(2)(9)", "f(a) a*g", "g(a) f(a)") == "2*9*g"


def test_arguments_are_expanded_unless_pasted_or_quoted() -> None:
    macros = ("N 4", "quote(x) #x", "value(x) quote(x)", "join(a, b) a##b", "N4 yes")
    assert expansion("quote(N) value(N) join(N, 4) join(N,N)", *macros) == '"N" "4" yes NN'


def test_quoting_escapes_quotes_inside_literals_only() -> None:
    assert expansion(r"""quote( "a\n"  + '"' \x )""", "quote(x) #x") == r'''"\"a\\n\" + '\"' \x"'''


def test_pasting_with_nothing_leaves_the_other_side() -> None:
    assert expansion("three(1,,3) three(,,) three(a,b,c)", "three(a, b, c) a##b##c") == "13 abc"


def test_a_pasted_name_is_scanned_again() -> None:
    assert expansion("hook(get)", "hook(x) pte_##x", "pte_get done") == "done"


def test_gnu_comma_is_swallowed_only_when_the_rest_was_left_out() -> None:
    macros = ("f(a, rest...) g(a, ##rest)", "only(...) g(0, ##__VA_ARGS__)")
    assert expansion("f(1) f(1,) f(1,2,3) only() only(1)", *macros) == "g(1) g(1,) g(1,2,3) g(0) g(0,1)"


def test_va_opt_stands_for_its_content_when_there_are_arguments() -> None:
    macros = ("f(a, ...) g(a __VA_OPT__(,) __VA_ARGS__)", "nothing")
    assert expansion("f(1) f(1,2) f(1, nothing)", *macros) == "g(1 ) g(1 , 2) g(1 )"


def test_a_function_like_name_without_arguments_stays() -> None:
    assert expansion("f + (f)(1)", "f(x) x") == "f + (f)(1)"


def test_a_kept_macro_stays_a_call_with_expanded_arguments() -> None:
    macros = ("READ_ONCE(x) volatile_read(x)", "entry (*ptep)", "read READ_ONCE")
    kept = expansion("read(entry)", *macros, keep=frozenset({"READ_ONCE"}))
    assert kept == "READ_ONCE((*ptep))"


def test_tokens_carry_the_place_of_the_outermost_use() -> None:
    env = define("outer(x) inner(x) + 1", "inner(x) -x")
    tokens = expand(tokenize("a =\n  outer(b);", "a.c"), env)
    assert [(token.text, token.line, token.column, token.macro) for token in tokens] == [
        ("a", 1, 1, ""),
        ("=", 1, 3, ""),
        ("-", 2, 3, "outer"),
        ("b", 2, 9, ""),
        ("+", 2, 3, "outer"),
        ("1", 2, 3, "outer"),
        (";", 2, 11, ""),
    ]


def test_expanded_names_are_recorded() -> None:
    used: set[str] = set()
    expand(tokenize("a(1) unused2", "a.c"), define("a(x) b", "b c", "unused 1"), used=used)
    assert used == {"a", "b"}


def test_builtin_macros_have_their_values() -> None:
    assert expansion("__LINE__\n __FILE__ __COUNTER__ __COUNTER__") == '1 "a.c" 0 1'


@pytest.mark.parametrize("source", ["two(1)", "two(1,2,3)", "none(1)", "two(1,", "two(one(, 2)"])
def test_a_use_that_does_not_fit_is_refused(source: str) -> None:
    with pytest.raises(MacroError):
        expansion(source, "two(a, b) a b", "none() x", "one(a) a")


def test_an_exponential_expansion_is_stopped() -> None:
    doubling = [f"m{number} m{number - 1} m{number - 1}" for number in range(1, 60)]
    with pytest.raises(MacroLimit):
        expansion("m59", *doubling, "m0 x")


def test_a_growing_paste_is_stopped() -> None:
    doubling = [f"m{number}(x) m{number - 1}(x##x)" for number in range(1, 60)]
    with pytest.raises(MacroLimit):
        expansion("m59(a)", *doubling, "m0(x) x")


def test_a_long_chain_of_macros_is_stopped() -> None:
    chain = [f"C{at} C{at + 1}" for at in range(20_000)]
    with pytest.raises(MacroLimit, match="more than 400 macros lead from one to the next"):
        expansion("C0", *chain)
    assert expansion("C19700", *chain) == "C20000"


def test_deeply_nested_uses_are_stopped() -> None:
    with pytest.raises(MacroLimit):
        expansion("id(" * 5000 + "x" + ")" * 5000, "id(x) x")


def test_white_space_of_an_empty_expansion_passes_on() -> None:
    macros = ("quote(x) #x", "value(x) quote(x)", "empty", "none() ", "pair(a, b) a b")
    assert expansion("value(a empty b) value(a empty()b) value(a none()b) value(pair(a,)b)", *macros) == (
        '"a b" "a ()b" "a b" "a b"'
    )


def test_tokens_are_plain_values() -> None:
    assert Token("id", "x", "a.c", 1, 1).hide == frozenset()


@pytest.mark.parametrize("form", ["m{} m{}", "m{}(x) m{}(x)"])
def test_a_chain_of_thousands_of_macros_is_refused_soon(form: str) -> None:
    texts = [form.format(number, number + 1) for number in range(20_000)]
    with pytest.raises(MacroLimit, match="lead from one to the next"):
        expansion("m0(1)", *texts)
    assert expansion("m0(1)", *texts[:300]) == "m300(1)"
