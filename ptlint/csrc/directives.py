"""The preprocessor directives of one file, found without deciding anything: the same for every configuration.

A scan depends on the bytes of a file alone, so it is kept by blob id and shared by all universes. It also compiles the
directives to a list of steps with jump targets, runs of ``#define`` between two conditionals merged into one step, so
that deciding a file for a configuration touches only its conditionals and includes.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any, NamedTuple

from ptlint.csrc.cutting import cut
from ptlint.csrc.escapes import MOST_ESCAPED, is_overfull
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.segments import Active, Segments, numbers, without_literals
from ptlint.errors import InputError

MAX_FILE_BYTES = 1 << 20  # the largest below arch, fs, include, kernel and mm have 0.55 MB
MAX_DIRECTIVES = 12_500  # the most there are 6,200
MAX_ITEMS = 8_000  # the most there are 900

_COMMENT_OR_STRING = (
    r"""/\*.*?(?:\*/|\Z) | //[^\n\\]*+(?:\\.[^\n\\]*+)* """
    r"""| "[^"\\\n]*+(?:\\.[^"\\\n]*+)*" | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*'"""
)
_TOKEN = re.compile(_COMMENT_OR_STRING + r" | \n[ \t\f\v]*\#[ \t]*(\w*)", re.DOTALL | re.VERBOSE)
_GOES_ON = "\\\r"  # before the end of a line that the next one goes on, or may
_LINE = re.compile(r"\n[ \t\f\v]*#[ \t]*(\w*)")
_WHOLE_LINE = re.compile(r"(?:\A|\n)[ \t\f\v]*#[^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*")
_REST = re.compile(
    r"""(?: [^\n\\/"']++ | \\\r?\n | \\ | """ + _COMMENT_OR_STRING + r""" | [/"'] )*""", re.DOTALL | re.VERBOSE
)
_COMMENT = re.compile(
    r"""/\*.*?(?:\*/|\Z) | //[^\n]* | ("[^"\\\n]*+(?:\\.[^"\\\n]*+)*" | '[^'\\\n]*+(?:\\.[^'\\\n]*+)*')""",
    re.DOTALL | re.VERBOSE,
)
_CONTINUED = re.compile(r"\\[ \t]*\r?\n")
_NAME = re.compile(r"\s*([A-Za-z_$]\w*)")
_NOT_DEFINED = re.compile(r"\s*!\s*defined\s*(?:\(\s*(\w+)\s*\)|(\w+))\s*$")

_new = tuple.__new__  # a NamedTuple's own is a function in Python

_OPENING = frozenset({"if", "ifdef", "ifndef"})
_MIDDLE = frozenset({"elif", "elifdef", "elifndef", "else"})
_KNOWN = _OPENING | _MIDDLE | {"endif", "define", "undef", "include", "include_next", "import", "pragma"}


class SourceLimit(InputError):
    """A file larger than ptlint reads, or that takes too long to."""


class Directive(NamedTuple):
    """One directive. Lines count from 1; ``start`` and ``end`` are offsets of its first ``#`` line and past its last.

    ``text`` is the raw text after the keyword, with comments and continuations; ``offset`` is where that begins.
    """

    kind: str
    line: int
    end_line: int
    start: int
    end: int
    offset: int
    text: str


class DefineRef(NamedTuple):
    """Which ``#define`` made a macro: directive *number* of *path*."""

    path: str
    number: int


class Step(NamedTuple):
    """A compiled step. ``op``: ``defs``, ``if``, ``elif``, ``else``, ``endif``, ``include``.

    ``at`` is the number of the directive it stands for, ``target`` the step to continue at when the branch is not
    taken, ``after`` the step of the ``endif``. ``defs`` maps a name to its DefineRef, or to None for ``#undef``.
    """

    op: str
    at: int
    target: int = -1
    after: int = -1
    defs: dict[str, DefineRef | None] | None = None


@dataclass(slots=True, eq=False)
class FileScan:
    """The directives of one file. ``guard`` is the macro of its include guard, ``""`` when it has none.

    ``shape`` is a key that is equal for two versions of a file whose directives are the same but for their lines.
    """

    path: str
    text: str
    directives: tuple[Directive, ...]
    steps: tuple[Step, ...]
    guard: str
    once: bool
    shape: int
    faults: tuple[tuple[int, str], ...] = ()
    macros: dict[int, Macro | None] = field(default_factory=dict)
    words: frozenset[str] | None = None
    segments: Segments | None = None
    actives: dict[tuple[tuple[int, int], ...], Active] = field(default_factory=dict)
    number: int = field(default_factory=lambda: next(numbers))
    item_cache: dict[object, Any] = field(default_factory=dict)
    argument_cache: dict[int, str] = field(default_factory=dict)
    asked: dict[int, tuple[str, bool | None]] = field(default_factory=dict)
    included: dict[int, str] = field(default_factory=dict)

    def reads_like(self, other: "FileScan") -> bool:
        """Return whether preprocessing takes the same way through both versions of a file."""
        return (
            self.shape == other.shape
            and (self.guard, self.once) == (other.guard, other.once)
            and not self.faults
            and not other.faults
            and [(one.kind, one.text) for one in self.directives] == [(one.kind, one.text) for one in other.directives]
        )

    def argument(self, index: int) -> str:
        """Return the text of directive *index* on one line, without comments and outer blanks."""
        found = self.argument_cache.get(index)
        if found is None:
            found = self.argument_cache[index] = one_line(self.directives[index].text)
        return found


def one_line(text: str) -> str:
    """Return directive *text* with continuations joined and comments replaced by a blank."""
    if "\n" in text:
        text = _CONTINUED.sub("", text)
    if "/" in text:
        text = _COMMENT.sub(lambda found: found.group(1) or " ", text)
    return text.strip()


def scan(path: str, data: bytes) -> FileScan:
    """Return the directives of a file. Raises SourceLimit for one that is too large or overfull."""
    text = data.decode("latin-1")
    refused = refusal(text)
    if refused:
        raise SourceLimit(f"{path}: {refused}")
    directives = tuple(_find(text))
    steps, faults = _compile(path, directives)
    return FileScan(
        path=path,
        text=text,
        directives=directives,
        steps=steps,
        guard=_guard(text, directives, steps),
        once=any(one.kind == "pragma" and one_line(one.text) == "once" for one in directives),
        shape=hash(tuple((one.kind, one.text) for one in directives)),
        faults=faults,
    )


def refusal(text: str) -> str:
    """Return why a file with this text is not read as C, empty when it is."""
    if len(text) > MAX_FILE_BYTES:
        return f"{len(text)} bytes are more than the {MAX_FILE_BYTES} that ptlint reads of one file"
    if is_overfull(text):
        return f"a line has more than {MOST_ESCAPED} escaped quotes"
    if text.count("#") > MAX_DIRECTIVES and sum(1 for _ in _LINE.finditer(text)) > MAX_DIRECTIVES:
        return f"more than the {MAX_DIRECTIVES} directives that ptlint reads of one file"
    if text.count(";") + text.count("}") + text.count("\n") > MAX_ITEMS and _has_many_items(text):
        return f"more than the {MAX_ITEMS} declarations that ptlint reads of one file"
    return ""


def _has_many_items(text: str) -> bool:
    bared = _WHOLE_LINE.sub("\n", text)
    return (
        next(islice(cut(bared, without_literals(bared), 0, len(bared), whole=True), MAX_ITEMS, None), None) is not None
    )


def _find(text: str) -> list[Directive]:
    """Return every directive, in order: a ``#`` that is first on its line and not inside a comment or a string."""
    found = _found_outside_comments(text)
    return _found_by_tokens(text) if found is None else found


def _found_by_tokens(text: str) -> list[Directive]:
    """Return the directives of any text, which is read comment by comment and literal by literal."""
    found: list[Directive] = []
    probe = "\n" + text  # so that a directive on the first line also follows a newline
    line, counted, position = 1, 0, 0
    while True:
        match = _TOKEN.search(probe, position)
        if match is None:
            return found
        position = match.end()
        if match.lastindex is None and probe[match.start()] != "\n":
            continue
        start = match.start()  # the offset in text of the first byte of the line
        kind = match.group(1) or ""
        rest = _REST.match(probe, position)
        end = rest.end() if rest else position
        line += text.count("\n", counted, start)
        counted = start
        body = probe[position:end]
        end_line = line + body.count("\n")
        found.append(_new(Directive, (kind, line, end_line, start, min(end - 1, len(text)), position - 1, body)))
        position = end


def _found_outside_comments(text: str) -> list[Directive] | None:
    """Return the directives of a text, None where a literal or ``//`` may hold a comment's sign or a line's end."""
    found: list[Directive] = []
    probe = "\n" + text
    size = len(text)
    line, counted, done, comment = 1, 0, 0, probe.find("/*")
    begins, looked = 0, 0  # where the line of the last comment begins, and from where on that was looked for
    for match in _LINE.finditer(probe):
        start = match.start()
        if start < done:
            continue
        while 0 <= comment < start:  # comments that end before the line, or hold it
            begins = max(begins, probe.rfind("\n", looked, comment))
            looked = comment
            before = probe[max(done, begins) : comment + 1]
            if '"' in before or "'" in before or "//" in before or probe[begins - 1] in _GOES_ON:
                return None
            closed = probe.find("*/", comment + 2)
            done = closed + 2 if closed >= 0 else size + 2
            comment = probe.find("/*", done)
        if start < done:
            continue
        if probe[start - 1] in _GOES_ON:
            return None
        position = match.end()
        end = probe.find("\n", position)
        end = size + 1 if end < 0 else end
        body = probe[position:end]
        line += text.count("\n", counted, start)
        counted, end_line = start, line
        if "/" in body or "\\" in body:
            rest = _REST.match(probe, position)
            end = rest.end() if rest else position
            body = probe[position:end]
            end_line += body.count("\n")
            if 0 <= comment < end:
                comment = probe.find("/*", end)
        done = end
        found.append(_new(Directive, (match[1], line, end_line, start, min(end - 1, size), position - 1, body)))
    return found


def _compile(path: str, directives: tuple[Directive, ...]) -> tuple[tuple[Step, ...], tuple[tuple[int, str], ...]]:
    steps: list[Step] = []
    faults: list[tuple[int, str]] = []
    open_chains: list[list[int]] = []  # the steps of each conditional that is still open
    block: dict[str, DefineRef | None] | None = None
    for index, one in enumerate(directives):
        kind = one.kind
        if kind in ("define", "undef"):
            name = _NAME.match(one.text)
            if name is None:
                faults.append((one.line, f"#{kind} without a name"))
                continue
            word = name.group(1)
            if block is None or kind == "undef" or word in block:
                block = {}
                steps.append(_new(Step, ("defs", index, -1, -1, block)))
            block[word] = _new(DefineRef, (path, index)) if kind == "define" else None
            if kind == "undef":
                block = None
            continue
        if kind not in _KNOWN or kind == "pragma":
            continue
        block = None
        if kind in _OPENING:
            open_chains.append([len(steps)])
            steps.append(Step("if", index))
        elif kind in _MIDDLE or kind == "endif":
            if not open_chains:
                faults.append((one.line, f"#{kind} without #if"))
                continue
            open_chains[-1].append(len(steps))
            steps.append(Step("endif" if kind == "endif" else "else" if kind == "else" else "elif", index))
            if kind == "endif":
                _close(steps, open_chains.pop())
        else:
            steps.append(Step("include", index))
    for chain in reversed(open_chains):
        faults.append((directives[steps[chain[0]].at].line, "#if without #endif"))
        chain.append(len(steps))
        steps.append(Step("endif", len(directives)))
        _close(steps, chain)
    return tuple(steps), tuple(faults)


def _close(steps: list[Step], chain: list[int]) -> None:
    """Set the jump targets of a finished conditional."""
    for here, following in pairwise(chain):
        steps[here] = steps[here]._replace(target=following, after=chain[-1])
    steps[chain[-1]] = steps[chain[-1]]._replace(target=chain[-1], after=chain[-1])


def _guard(text: str, directives: tuple[Directive, ...], steps: tuple[Step, ...]) -> str:
    """Return the include-guard macro: ``#ifndef G`` around everything but comments."""
    if not steps or steps[0].op != "if" or steps[0].target != len(steps) - 1 or steps[-1].op != "endif":
        return ""
    first = directives[steps[0].at]
    if steps[-1].at >= len(directives):
        return ""
    last = directives[steps[-1].at]
    if first.kind == "ifndef":
        name = _NAME.match(first.text)
    else:
        name = _NOT_DEFINED.match(one_line(first.text)) if first.kind == "if" else None
    if name is None:
        return ""
    outside = _COMMENT.sub(" ", text[: first.start]) + _COMMENT.sub(" ", text[last.end :])
    return "" if outside.strip() else next(group for group in name.groups() if group)


class ScanCache:
    """Scans by path and blob id, the least recently used dropped beyond *limit* bytes of source."""

    def __init__(self, limit: int = 256 << 20) -> None:
        self._limit = limit
        self._held = 0
        self._scans: OrderedDict[tuple[str, str], FileScan] = OrderedDict()

    def get(self, path: str, blob: str, data: bytes) -> FileScan:
        """Return the scan of *data*, which has the id *blob* and stands at *path*."""
        key = (path, blob)
        found = self._scans.get(key)
        if found is None:
            found = self._scans[key] = scan(path, data)
            self._held += len(data)
            while self._held > self._limit and len(self._scans) > 1:
                self._held -= len(self._scans.popitem(last=False)[1].text)
        return found

    def held(self, path: str, blob: str) -> FileScan | None:
        """Return the scan when it is there already."""
        return self._scans.get((path, blob))


SCANS = ScanCache()
