"""The text of inline assembly as instructions with operands, as gas takes it (gcc manual, Extended Asm)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPERAND = re.compile(r"%([A-Za-z])?(?:(\d+)|\[(\w+)\])")
_PART = re.compile(r"%(\w+)\(%(\d+)\)")
_MEMORY = re.compile(r"\[(.+)\]|(-?\w*)\((.+)\)")
_NUMBER = re.compile(r"#?-?(?:0[xX][0-9a-fA-F]+|\d+)")
_LABEL = re.compile(r"(\w+):\s*")
_FORM = re.compile(r"%[A-Z]\d+")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of an instruction.

    ``kind``: ``operand`` (number ``index``, with the letter ``form``), ``part`` (``form`` of an operand: ``%hi(%2)``),
    ``number``, ``register`` (named ``form``) or ``memory`` (at the register ``inner`` plus ``number``).
    """

    kind: str
    index: int = 0
    form: str = ""
    number: int = 0
    inner: Argument | None = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """A mnemonic, without the letters that choose its addressing form, and its arguments."""

    name: str
    args: tuple[Argument, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of assembly: its labels and what else stands there."""

    labels: tuple[str, ...]
    text: str


class NotUnderstood(Exception):
    """Assembly that has no reading here; the text says which part."""


def lines_of(template: str) -> list[Line]:
    """Return the lines of a template with ``%%`` as ``%``, labels apart; a label alone belongs to the next line."""
    found: list[Line] = []
    labels: list[str] = []
    for piece in re.split(r"[\n;]", template.replace("%%", "%")):
        text = piece.strip()
        while (label := _LABEL.match(text)) is not None:
            labels.append(label.group(1))
            text = text[label.end() :]
        if text:
            found.append(Line(tuple(labels), text))
            labels = []
    return found


def instruction(text: str, names: dict[str, int]) -> Instruction:
    """Return one instruction; *names* are the numbers of named operands. Raises NotUnderstood."""
    name, *rest = text.split(None, 1)
    args = tuple(_argument(part.strip(), names) for part in _split("".join(rest)))
    return Instruction(_FORM.sub("", name), args)


def _split(text: str) -> list[str]:
    return [part for part in re.split(r",(?![^(\[]*[)\]])", text) if part.strip()]


def _argument(text: str, names: dict[str, int]) -> Argument:
    operand = _OPERAND.fullmatch(text)
    if operand is not None:
        return Argument("operand", _number(operand, names), operand.group(1) or "")
    part = _PART.fullmatch(text)
    if part is not None:
        return Argument("part", int(part.group(2)), part.group(1))
    if _NUMBER.fullmatch(text):
        return Argument("number", number=int(text.lstrip("#"), 0))
    memory = _MEMORY.fullmatch(text)
    if memory is not None:
        inner = _argument((memory.group(1) or memory.group(3)).strip(), names)
        offset = memory.group(2) or "0"
        if not _NUMBER.fullmatch(offset):
            raise NotUnderstood(text)
        return Argument("memory", number=int(offset.lstrip("#"), 0), inner=inner)
    if re.fullmatch(r"[%.]?\w+", text):
        return Argument("register", form=text)
    raise NotUnderstood(text)


def _number(operand: re.Match[str], names: dict[str, int]) -> int:
    if operand.group(2) is not None:
        return int(operand.group(2))
    if operand.group(3) not in names:
        raise NotUnderstood(operand.group())
    return names[operand.group(3)]
