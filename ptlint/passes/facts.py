"""What is known about values on one path: constants, zero or not, and the answers of conditions already decided.

Kernel code decides the same thing several times (``if (locked) … if (locked)``); a path on which they differ does
not exist. A fact ends when something that it speaks of is written.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ptlint.csrc.ast import Call, Expr, MemberAccess, Name, Unary
from ptlint.passes.graph import Edge, Evaluated, Graph, Step, Written
from ptlint.passes.wording import comparison, constant, plain, root, text, truth

NONZERO = "nonzero"
Known = int | str
"""What is known of an expression: its value, or that it is not zero."""

_PURE = re.compile(
    r"^(__)?(p[tmu4g]*d|pte|huge_pte|is|IS|has|can|folio_(test|is|nr|order)|Page|page_(to|folio)|pfn|vma_(is|has|test)|"
    r"softleaf|swp|softleafs?|userfaultfd|test_|mm_|READ_ONCE|unlikely|likely|min|max|next_|list_empty|atomic_read)",
)


@dataclass(frozen=True, slots=True)
class Facts:
    """Spelling of an expression -> what is known of it. Immutable; sorted, so that equal facts are equal."""

    known: tuple[tuple[str, Known], ...] = ()

    def get(self, key: str) -> Known | None:
        """Return what is known of the expression spelt *key*."""
        for name, value in self.known:
            if name == key:
                return value
        return None

    def adding(self, key: str, value: Known) -> Facts:
        """Return these facts and one more."""
        return Facts(tuple(sorted([(name, old) for name, old in self.known if name != key] + [(key, value)])))

    def without_names(self, names: frozenset[str], pointed: bool = False) -> Facts:
        """Return the facts that speak of none of *names*; with *pointed*, only those about what they point to go."""
        kept = tuple(
            (key, value)
            for key, value in self.known
            if not (names & _names_of(key)) or (pointed and not any(_points(key, name) for name in names))
        )
        return self if len(kept) == len(self.known) else Facts(kept)

    def without_field(self, field: str) -> Facts:
        """Return the facts that speak of no member *field*."""
        word = re.compile(rf"(?:->|\.){re.escape(field)}\b")
        kept = tuple(one for one in self.known if not word.search(one[0]))
        return self if len(kept) == len(self.known) else Facts(kept)

    def next_round(self) -> Facts:
        """Return the facts that a new round of a loop begins with: answers of calls that ask about time are not."""
        kept = tuple(one for one in self.known if all(_PURE.match(name) for name in _calls_of(one[0])))
        return self if len(kept) == len(self.known) else Facts(kept)

    def deciding_anew(self, cond: Expr) -> Facts:
        """Return the facts without those about *cond*, but for the values of plain variables."""
        keys = {key for key in keys_of(cond) if not key.isidentifier()}
        kept = tuple(one for one in self.known if one[0] not in keys)
        return self if len(kept) == len(self.known) else Facts(kept)

    def only(self, keys: frozenset[str]) -> Facts:
        """Return the facts about *keys*."""
        kept = tuple(one for one in self.known if one[0] in keys)
        return self if len(kept) == len(self.known) else Facts(kept)


@lru_cache(maxsize=20_000)
def _names_of(key: str) -> frozenset[str]:
    return frozenset(re.findall(r"(?<![>.\w])[A-Za-z_]\w*", key))


@lru_cache(maxsize=20_000)
def _calls_of(key: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\b([A-Za-z_]\w*)\(", key))


@lru_cache(maxsize=20_000)
def _points(key: str, name: str) -> bool:
    return re.search(rf"(?:\b{re.escape(name)}(?:->|\.|\[)|\*+\(?{re.escape(name)}\b)", key) is not None


def assumed(facts: Facts, cond: Expr, holds: bool) -> Facts | None:
    """Return *facts* after *cond* has turned out as *holds*, None when it cannot."""
    bare, wanted = truth(cond)
    wanted = wanted == holds
    sides = comparison(bare)
    if sides is not None and constant(sides[2]) is not None:
        return _compared(facts, bare, sides[0], sides[1], constant(sides[2]) or 0, wanted)
    return _decided(facts, text(bare), wanted)


def _decided(facts: Facts, key: str, wanted: bool) -> Facts | None:
    known = facts.get(key)
    if known is not None:
        return facts if (known != 0) == wanted else None
    return facts.adding(key, NONZERO if wanted else 0)


def _compared(facts: Facts, whole: Expr, left: Expr, op: str, value: int, wanted: bool) -> Facts | None:
    key = text(left)
    known = facts.get(key)
    if isinstance(known, int):
        return facts if _holds(known, op, value) == wanted else None
    if op == "==":
        if wanted:
            return None if known == NONZERO and value == 0 else facts.adding(key, value)
        return _decided(facts, f"{key} == {value}", False)
    if known is None and not _holds(0, op, value) and wanted:
        facts = facts.adding(key, NONZERO)
    return _decided(facts, text(whole), wanted)


def _holds(left: int, op: str, right: int) -> bool:
    match op:
        case "==":
            return left == right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
    return left >= right


def stepped(facts: Facts, step: Step | None) -> Facts:
    """Return what is still known, and newly known, after *step*."""
    if isinstance(step, Written):
        return _written(facts, step)
    if isinstance(step, Evaluated):
        return _called(facts, step.call)
    return facts


def _written(facts: Facts, step: Written) -> Facts:
    target = plain(step.target)
    value = None if step.value is None or step.op else step.value
    learnt = None if value is None else (constant(value) if constant(value) is not None else facts.get(text(value)))
    same = _moved_predicates(facts, target, value)
    if isinstance(target, Name):
        facts = facts.without_names(frozenset((target.name,)))
    elif isinstance(target, MemberAccess):
        facts = facts.without_field(target.name)
    elif root(target):
        facts = facts.without_names(frozenset((root(target),)), pointed=True)
    for key, answer in same:
        facts = facts.adding(key, answer)
    return facts if learnt is None else facts.adding(text(target), learnt)


def _moved_predicates(facts: Facts, target: Expr, value: Expr | None) -> list[tuple[str, Known]]:
    """Return what is known of ``predicate(value)`` said of *target*, when one variable is copied to another."""
    source = None if value is None else plain(value)
    if not isinstance(target, Name) or not isinstance(source, Name):
        return []
    call = re.compile(rf"(\w+)\({re.escape(source.name)}\)")
    found = []
    for key, answer in facts.known:
        match = call.fullmatch(key)
        if match is not None:
            found.append((f"{match[1]}({target.name})", answer))
    return found


def _called(facts: Facts, call: Call) -> Facts:
    """Forget what *call* is given the address of. What it may change behind a pointer is taken to stay."""
    bare = [plain(arg) for arg in call.args]
    written = frozenset(root(arg) for arg in bare if isinstance(arg, Unary) and arg.op == "&") - {""}
    return facts.without_names(written) if written else facts


def keys_of(cond: Expr) -> frozenset[str]:
    """Return the spellings under which facts about *cond* are kept."""
    bare, _ = truth(cond)
    sides = comparison(bare)
    if sides is not None and constant(sides[2]) is not None:
        return frozenset({text(sides[0]), text(bare), f"{text(sides[0])} == {constant(sides[2])}"})
    return frozenset({text(bare)})


def useful(graph: Graph) -> list[frozenset[str]]:
    """Return for each node the spellings that a condition after it may ask about: other facts need not be kept."""
    own: list[set[str]] = []
    for node in graph.nodes:
        keys: set[str] = set()
        if isinstance(node.step, Written) and node.step.value is not None and isinstance(plain(node.step.value), Name):
            keys.add(text(node.step.value))
        for edge in node.edges:
            if edge.cond is not None:
                keys |= keys_of(edge.cond)
        own.append(keys)
    numbers = {key: at for at, key in enumerate(sorted(set().union(*own)))} if own else {}
    masks = [sum(1 << numbers[key] for key in keys) for keys in own]
    _spread(graph, masks)
    words = sorted(numbers, key=lambda key: numbers[key])
    cache: dict[int, frozenset[str]] = {}
    for mask in masks:
        if mask not in cache:
            cache[mask] = frozenset(word for at, word in enumerate(words) if mask >> at & 1)
    return [cache[mask] for mask in masks]


def _spread(graph: Graph, masks: list[int]) -> None:
    """Let every node have what the nodes after it have, until nothing changes."""
    pending = True
    while pending:
        pending = False
        for number in range(len(masks) - 1, -1, -1):
            mask = masks[number]
            for edge in graph.nodes[number].edges:
                mask |= masks[edge.to]
            if mask != masks[number]:
                masks[number] = mask
                pending = True


def follow(facts: Facts, edge: Edge) -> Facts | None:
    """Return what is known at the end of *edge*, None when it cannot be taken."""
    return facts if edge.cond is None else assumed(facts, edge.cond, edge.holds)
