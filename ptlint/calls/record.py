"""A model of one profile as plain JSON values, to be kept and read again.

A row is one text, so that a row which several profiles share is read once.
"""

import json
from functools import lru_cache

from ptlint.calls.facts import Call, Caller, Definition, ProfileModel, Reason, Row
from ptlint.core.span import Span

SCHEMA = "2"
"""Changes with what a record holds."""


def record_of(model: ProfileModel) -> list[object]:
    """Return *model* as lists and texts."""
    rows = [json.dumps([*_definition(row.definition), *_row(row)]) for row in model.rows.values()]
    return [model.name, model.arch, rows, [[str(span), what] for span, what in model.not_understood]]


def model_of(record: object) -> ProfileModel:
    """Return the model that ``record_of`` made *record* of. Raises ValueError or TypeError for anything else."""
    name, arch, rows, faults = _list(record)
    known = [_row_of(one) for one in _texts(rows)]
    not_understood = tuple((_span(place), _text(what)) for place, what in map(_list, _list(faults)))
    return ProfileModel(_text(name), _text(arch), {row.definition.name: row for row in known}, not_understood)


def _definition(one: Definition) -> list[object]:
    place = None if one.definition is None else str(one.definition)
    return [one.name, one.kind, one.shape, place, str(one.prototype), list(one.via), one.target_shape, one.body]


def _row(row: Row) -> list[object]:
    calls = [[call.name, call.through] for call in row.calls]
    why = [[reason.text, str(reason.span)] for reason in row.why]
    callers = [[one.name, str(one.span)] for one in row.callers]
    return [row.guard, calls, list(row.parameters), list(row.uses), why, row.signature, callers]


@lru_cache(maxsize=1 << 15)
def _row_of(text: str) -> Row:
    record = _list(json.loads(text))
    name, kind, shape, place, proto, via, target, body, guard, calls, parameters, uses, why, signature, callers = record
    definition = Definition(
        _text(name),
        _text(kind),
        _text(shape),
        None if place is None else _span(place),
        _span(proto),
        _texts(via),
        _text(target),
        _text(body),
    )
    return Row(
        definition,
        _text(guard),
        tuple(Call(*_texts(one)) for one in _list(calls)),
        _texts(parameters),
        _texts(uses),
        tuple(Reason(_text(text), _span(at)) for text, at in map(_list, _list(why))),
        _text(signature),
        tuple(Caller(_text(name), _span(at)) for name, at in map(_list, _list(callers))),
    )


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError("no list")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _span(value: object) -> Span:
    path, _, line = _text(value).rpartition(":")
    return Span(path, int(line))
