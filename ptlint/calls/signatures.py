"""Whether two declarations of one function agree in what callers rely on: number, kinds and return of parameters."""

from __future__ import annotations

from ptlint.calls.givers import Giver
from ptlint.csrc.ast import (
    ArrayType,
    BuiltinType,
    EnumType,
    FunctionType,
    PointerType,
    RecordType,
    Type,
    TypedefName,
)
from ptlint.csrc.universe import Universe

MAX_TYPEDEFS = 20

_SIZES = {"_Bool": 1, "char": 1, "short": 2, "int": 4, "long long": 8}


def disagreement(universe: Universe, own: Giver, other: Giver) -> str:
    """Return in words what *own* has otherwise than *other*, ``""`` when callers of one can call the other.

    Integers of equal size agree whatever their sign, since arguments are converted; so do all integers as a return
    value, and pointers to void. A macro is compared by the number of its parameters.
    """
    if own.params is None or other.params is None:
        return ""
    if own.type is None or other.type is None:
        return _counts(own.params, other.params) if own.params != other.params and not _is_open(own, other) else ""
    return _types(universe, own.type, other.type)


def signature_of(universe: Universe, type_: FunctionType) -> str:
    """Return a function type in words: ``void (struct mm_struct *mm, pte_t pte)``."""
    words = (" ".join(filter(None, (spelled(universe, one.type), one.name))) for one in type_.params)
    params = [word.replace("* ", "*") for word in words]
    if type_.variadic:
        params.append("...")
    return f"{spelled(universe, type_.ret)} ({', '.join(params) or 'void'})"


def _is_open(own: Giver, other: Giver) -> bool:
    return any("..." in one.text.split(")", 1)[0] for one in (own, other) if one.shape == "macro")


def _counts(own: int, other: int) -> str:
    return f"takes {own} parameter{'' if own == 1 else 's'} where the other one takes {other}"


def _types(universe: Universe, own: FunctionType, other: FunctionType) -> str:
    if own.oldstyle or other.oldstyle:
        return ""
    if len(own.params) != len(other.params) and not (own.variadic or other.variadic):
        return _counts(len(own.params), len(other.params))
    for number, (mine, theirs) in enumerate(zip(own.params, other.params, strict=False), 1):
        here, there = spelled(universe, mine.type), spelled(universe, theirs.type)
        if not _fits(universe, here, there):
            called = f"parameter {number}" + (f" ({mine.name})" if mine.name else "")
            return f"has {here} for {called} where the other one has {there}"
    here, there = spelled(universe, own.ret), spelled(universe, other.ret)
    both_integers = _size(universe, here) and _size(universe, there)
    if not both_integers and not _fits(universe, here, there):
        return f"returns {here} where the other one returns {there}"
    return ""


def _fits(universe: Universe, here: str, there: str) -> bool:
    if here == there or {"void *", "?"} & {here, there}:
        return True
    sizes = _size(universe, here), _size(universe, there)
    return all(sizes) and (sizes[0] == sizes[1] or max(sizes) <= 4)  # int, bool and enum stand for one another


def _size(universe: Universe, type_: str) -> int:
    """Return the bytes of an integer type, 0 for any other."""
    word = type_.removeprefix("unsigned ").removeprefix("signed ")
    if type_.startswith("enum "):
        return 4
    return universe.model.long_size if word == "long" else _SIZES.get(word, 0)


def spelled(universe: Universe, type_: Type) -> str:
    """Return *type_* with its typedefs resolved; an unnamed record goes by its typedef. ``"?"`` for what is unknown."""
    for _ in range(MAX_TYPEDEFS):
        match type_:
            case TypedefName(name=name):
                inner = universe.typedef(name)
                if inner is None:
                    return "?"
                if isinstance(inner, RecordType | EnumType) and inner.tag is None:
                    return name if isinstance(inner, RecordType) else "int"
                type_ = inner
            case BuiltinType(name=name):
                return name
            case RecordType(kind=kind, tag=tag):
                return f"{kind} {tag}"
            case EnumType(tag=tag):
                return f"enum {tag}"
            case PointerType(to=to):
                inner_text = spelled(universe, to)
                return f"{inner_text}*" if inner_text.endswith("*") else f"{inner_text} *"
            case ArrayType(of=of):
                return f"{spelled(universe, of)} *"
            case _:
                return "?"
    return "?"
