"""What was made of a text is taken again exactly where all that making it asked has the same answers."""

from dataclasses import replace

from ptlint.csrc.ast import Declaration, IntConst
from ptlint.csrc.cparse import parse_external
from ptlint.csrc.datamodel import ILP32, LP64, DataModel
from ptlint.csrc.macrodefs import Macro, define_from
from ptlint.csrc.recall import Asking, recalled
from ptlint.csrc.tokens import tokenize


class Env:
    """Macros by name."""

    def __init__(self, *texts: str) -> None:
        self._macros = {macro.name: macro for macro in (define_from(" " + text, "a.h", 1) for text in texts)}

    def lookup(self, name: str) -> Macro | None:
        return self._macros.get(name)


class Maker:
    """Asks about ``a``, and about ``b`` and a type where that is a macro; counts how often it works."""

    def __init__(self) -> None:
        self.worked = 0

    def __call__(self, asking: Asking) -> str:
        self.worked += 1
        first = asking.lookup("a")
        if first is None:
            return "nothing"
        second = asking.lookup("b")
        return f"{first.text} {second.text if second else ''} {asking.is_typedef('t')}"


def test_the_same_answers_lead_to_what_was_made_before() -> None:
    make = Maker()
    first = recalled("same", Env("a 1", "b 2", "c 3"), lambda _name: True, LP64, make)
    again = recalled("same", Env("a 1", "b 2", "c 4"), lambda _name: True, LP64, make)
    assert again is first
    assert make.worked == 1


def test_another_macro_another_type_and_another_key_are_made_anew() -> None:
    make = Maker()
    results = [
        recalled("other", Env("a 1", "b 2"), lambda _name: True, LP64, make),
        recalled("other", Env("a 1", "b 3"), lambda _name: True, LP64, make),
        recalled("other", Env("a 1"), lambda _name: True, LP64, make),
        recalled("other", Env("a 1", "b 2"), lambda _name: False, LP64, make),
        recalled("other", Env(), lambda _name: True, LP64, make),
        recalled("third", Env("a 1", "b 2"), lambda _name: True, LP64, make),
    ]
    assert [one.split() for one in results] == [
        ["1", "2", "True"],
        ["1", "3", "True"],
        ["1", "True"],
        ["1", "2", "False"],
        ["nothing"],
        ["1", "2", "True"],
    ]
    assert make.worked == len(results)


def type_of(constant: str, model: DataModel) -> str:
    """Return the type of the initialiser *constant*, remembered under its text alone."""

    def make(asking: Asking) -> str:
        (parsed,) = parse_external(tokenize(f"int a = {constant};", "a.h"), asking, asking)
        assert isinstance(parsed, Declaration)
        init = parsed.declarators[0].init
        assert isinstance(init, IntConst)
        return f"{init.type} {init.value}"

    found: str = recalled(("constant", constant), Env(), lambda _name: False, model, make)
    return found


def test_the_data_model_is_asked_only_where_a_constant_depends_on_it() -> None:
    plain = replace(ILP32, char_signed=False)
    assert [type_of("0x80000000ul", model) for model in (LP64, ILP32)] == ["unsigned long 2147483648"] * 2
    assert type_of("0x80000000l", LP64) == "long 2147483648"
    assert type_of("0x80000000l", ILP32) == "unsigned long 2147483648"
    assert type_of("5000000000", LP64) == "long 5000000000"
    assert type_of("5000000000", ILP32) == "long long 5000000000"
    assert [type_of(r"'\xff'", model) for model in (LP64, plain, ILP32)] == ["int -1", "int 255", "int -1"]
    assert [type_of("7", model) for model in (LP64, plain)] == ["int 7"] * 2


def test_macros_are_the_same_by_what_they_come_to_and_not_by_their_place() -> None:
    here, there = define_from(" m(x) x + 1", "a.h", 1), define_from(" m(x) x + 1", "b.h", 9)
    other = define_from(" m(y) x + 1", "a.h", 1)
    assert here.content == there.content
    assert here.content != other.content
