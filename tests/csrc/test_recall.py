"""What was made of a text is taken again exactly where all that making it asked has the same answers."""

from ptlint.csrc.macrodefs import Macro, define_from
from ptlint.csrc.recall import Asking, recalled


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
    first = recalled("same", Env("a 1", "b 2", "c 3"), lambda _name: True, make)
    again = recalled("same", Env("a 1", "b 2", "c 4"), lambda _name: True, make)
    assert again is first
    assert make.worked == 1


def test_another_macro_another_type_and_another_key_are_made_anew() -> None:
    make = Maker()
    results = [
        recalled("other", Env("a 1", "b 2"), lambda _name: True, make),
        recalled("other", Env("a 1", "b 3"), lambda _name: True, make),
        recalled("other", Env("a 1"), lambda _name: True, make),
        recalled("other", Env("a 1", "b 2"), lambda _name: False, make),
        recalled("other", Env(), lambda _name: True, make),
        recalled("third", Env("a 1", "b 2"), lambda _name: True, make),
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


def test_macros_are_the_same_by_what_they_come_to_and_not_by_their_place() -> None:
    here, there = define_from(" m(x) x + 1", "a.h", 1), define_from(" m(x) x + 1", "b.h", 9)
    other = define_from(" m(y) x + 1", "a.h", 1)
    assert here.content == there.content
    assert here.content != other.content
