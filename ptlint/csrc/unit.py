"""Preprocessing of a translation unit: which lines are active, and which macros are defined at every place of it.

Only directives are touched. The macro table is a dictionary of references to ``#define`` lines; each block of defines
that is executed is logged, so that the state at any place can be asked for afterwards (``Unit.macros_at``).
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence

from ptlint.core.span import Span
from ptlint.csrc.conditions import ConditionError, evaluate
from ptlint.csrc.datamodel import LP64
from ptlint.csrc.directives import DefineRef, FileScan, SourceLimit, Step, one_line
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.includes import IncludePath
from ptlint.csrc.instance import Instance
from ptlint.csrc.macrodefs import PREDEFINED, Macro, define_from
from ptlint.csrc.macrolog import MacroLog
from ptlint.csrc.macros import expand
from ptlint.csrc.recall import Asking, recalled
from ptlint.csrc.tokens import tokenize

CONDITION_LIMIT = 20_000  # tokens that a condition may come to
MAX_INCLUDE_DEPTH = 200  # as in GCC
MAX_INSTANCES = 8_000  # a kernel's headers are some 1,500
MAX_STEPS = 500_000  # a kernel's page-table headers take about 50,000

_DEFINED = re.compile(r"(!?)\s*defined\s*(?:\(\s*([A-Za-z_]\w*)\s*\)|\s([A-Za-z_]\w*))\s*$")
_INCLUDE = re.compile(r'(?:"([^"]+)"|<([^>]+)>)')


class MacroState:
    """The macros at one place of a unit, or at its end: a MacroEnv for ``macros.expand``."""

    def __init__(self, unit: "Unit", instance: Instance | None = None, line: int = 0) -> None:
        self._unit = unit
        self._seq = None if instance is None else instance.seq_at(line)
        self._path = "" if instance is None else instance.path
        self._line = line
        self._known: dict[str, Macro | None] = {}

    def lookup(self, name: str) -> Macro | None:
        """Return the macro *name* at this place, or None."""
        unit = self._unit
        if name not in unit.table:  # most words are none anywhere
            return None
        if name in self._known:
            return self._known[name]
        ref = unit.table.get(name) if self._seq is None else unit.ref_at(name, self._seq, self._path, self._line)
        found = self._known[name] = None if ref is None else unit.macro_of(ref)
        return found


def _asked(scan: FileScan, index: int) -> tuple[str, bool | None]:
    """Return the macro that a conditional asks for and whether it must be there; None for an expression."""
    kind, text = scan.directives[index].kind, scan.argument(index)
    if kind in ("ifdef", "ifndef", "elifdef", "elifndef"):
        return (text.split(None, 1)[0] if text else ""), not kind.endswith("ndef")
    found = _DEFINED.match(text)
    return (found.group(2) or found.group(3), not found.group(1)) if found is not None else ("", None)


def _is_no_typedef(_name: str) -> bool:
    return False


class _View:
    """The macro table as conditions see it while the unit is read."""

    def __init__(self, unit: "Unit") -> None:
        self._unit = unit
        self.includer = ""

    def is_defined(self, name: str) -> bool:
        return self._unit.table.get(name) is not None

    def object_body(self, name: str) -> str | None:
        ref = self._unit.table.get(name)
        macro = self._unit.macro_of(ref) if ref is not None else None
        return None if macro is None or macro.params is not None else one_line(macro.text)

    def expand_text(self, text: str) -> str:
        path = self.includer

        def expanded(asking: Asking) -> str:
            return " ".join(token.text for token in expand(tokenize(text, path), asking, limit=CONDITION_LIMIT))

        found: str = recalled(("condition", text, path), MacroState(self._unit), _is_no_typedef, LP64, expanded)
        return found

    def has_include(self, spelled: str) -> bool:
        return self._unit.includes.find(spelled[1:-1], spelled.startswith('"'), self.includer) is not None


class Unit:
    """A translation unit as far as its directives go. ``table`` is the macro table at its end.

    ``missing`` are the includes that lead nowhere, ``faults`` the directives that could not be understood, ``beyond``
    the files that were not read, or not to their end, because a bound was met. A unit with a *parent* continues where
    that ended: a ``.c`` file over the headers that are common to all.
    """

    def __init__(
        self,
        includes: IncludePath,
        scan_of: Callable[[str], FileScan | None],
        predefined: Sequence[Macro] = (),
        parent: "Unit | None" = None,
    ) -> None:
        self.includes = includes
        self.parent = parent
        self.table: dict[str, DefineRef | None] = dict(parent.table) if parent else {}
        self.instances: list[Instance] = []
        self.by_path: dict[str, list[Instance]] = {}
        self.missing: list[tuple[Span, str]] = []
        self.faults: list[tuple[Span, str]] = []
        self.beyond: list[tuple[Span, str]] = []
        self._scan_of = scan_of
        self._scans: dict[str, FileScan] = dict(parent._scans) if parent else {}
        self._guards: dict[str, str] = dict(parent._guards) if parent else {}
        self._once: set[str] = set(parent._once) if parent else set()
        self._predefined: Sequence[Macro] = parent._predefined if parent else predefined
        self._log = MacroLog(parent.last if parent else 0)
        self._events: dict[str, list[tuple[int, DefineRef | None]]] = {}
        self._order: dict[int, int] = {}  # of each reading, by identity
        self._view = _View(self)
        self._steps = 0
        if parent is None:
            self._apply({macro.name: DefineRef(PREDEFINED, at) for at, macro in enumerate(self._predefined)})

    def over(
        self,
        changed: Mapping[str, FileScan],
        includes: IncludePath,
        scan_of: Callable[[str], FileScan | None],
        parent: "Unit | None" = None,
    ) -> "Unit":
        """Return this unit for other versions of the files *changed*, whose directives are the same.

        *includes*, *scan_of* and *parent* are those of the tree that has them.
        """
        twin = Unit(includes, scan_of)
        twin.parent, twin.table, twin._predefined, twin._log = parent, self.table, self._predefined, self._log
        twin._guards, twin._once, twin._steps = self._guards, self._once, self._steps
        twin._events = self._events
        twin._scans = {**self._scans, **(parent._scans if parent else {}), **changed}
        twin.instances = [one.over(changed[one.path]) if one.path in changed else one for one in self.instances]
        twin.by_path = {}
        for one in twin.instances:
            twin.by_path.setdefault(one.path, []).append(one)
        twin.missing, twin.faults, twin.beyond = list(self.missing), list(self.faults), list(self.beyond)
        return twin

    # --- the macro table ----------------------------------------------------------------------------------------

    @property
    def last(self) -> int:
        """Return the number of the last block of the log."""
        return self._log.last

    def _apply(self, block: Mapping[str, DefineRef | None]) -> None:
        self.table.update(block)
        self._log.blocks.append(block)

    def macro_of(self, ref: DefineRef) -> Macro | None:
        """Return the macro that *ref* stands for, None when its definition is malformed."""
        if ref.path == PREDEFINED:
            return self._predefined[ref.number]
        scan = self._scans[ref.path]
        try:
            return scan.macros[ref.number]
        except KeyError:
            one = scan.directives[ref.number]
            column = one.offset - scan.text.rfind("\n", 0, one.offset)
            try:
                macro = define_from(one.text, ref.path, one.line, column)
            except CSourceError as error:
                self.faults.append((Span(ref.path, one.line), error.what))
                macro = None
            scan.macros[ref.number] = macro
            return macro

    def place_of(self, instance: Instance) -> int:
        """Return the number of a reading, in the order in which they began."""
        if len(self._order) != len(self.instances):
            self._order = {id(one): number for number, one in enumerate(self.instances)}
        return self._order[id(instance)]

    def line_of(self, ref: DefineRef) -> int:
        """Return the line of a ``#define``, 0 for a predefined macro."""
        return 0 if ref.path == PREDEFINED else self._scans[ref.path].directives[ref.number].line

    def history(self, name: str) -> list[tuple[int, DefineRef | None]]:
        """Return when *name* was defined (and undefined, with None), as numbers of blocks, in order."""
        found = self._events.get(name)
        if found is None:
            own = self._log.events(name)
            found = self._events[name] = self.parent.history(name) + own if self.parent is not None else own
        return found

    def ref_at(self, name: str, seq: int, path: str, line: int) -> DefineRef | None:
        """Return the definition of *name* in force after block *seq*, at *line* of *path*."""
        if name not in self.table:
            return None
        events = self._events.get(name) or self.history(name)
        if len(events) == 1 and events[0][0] < seq:
            return events[0][1]
        at = bisect_right(events, seq, key=lambda event: event[0])
        while at:
            when, ref = events[at - 1]
            if when == seq and ref is not None and ref.path == path and self.line_of(ref) > line:
                at -= 1
                continue
            return ref
        return None

    # --- reading files ------------------------------------------------------------------------------------------

    def read(self, path: str) -> bool:
        """Read *path* and all it includes after what was read before. False when there is no such file."""
        stack: list[Instance] = []
        if not self._enter(path, stack):
            return False
        left = MAX_STEPS - self._steps
        table, log, base = self.table, self._log.blocks, self._log.base
        while stack:
            instance = stack[-1]
            steps, marks = instance.scan.steps, instance.marks
            size, pc = len(steps), instance.pc
            self._view.includer = instance.path
            while pc < size and left > 0:
                left -= 1
                step = steps[pc]
                pc += 1
                op = step.op
                if op == "defs":
                    assert step.defs is not None
                    table.update(step.defs)
                    log.append(step.defs)
                    marks.append((step.at, base + len(log)))
                elif op == "include":
                    if self._include(instance, step.at, stack):
                        break
                elif op != "endif":
                    pc = self._branch(instance, step, pc)
            else:
                stack.pop()
                if stack:
                    stack[-1].marks.append((stack[-1].scan.steps[stack[-1].pc - 1].at, self.last))
            instance.pc = pc
        self._steps = MAX_STEPS - left
        if self._steps >= MAX_STEPS:
            self._note(path, f"more than {MAX_STEPS} directives on the way through its includes: the rest is not read")
        return True

    def _enter(self, path: str, stack: list[Instance]) -> bool:
        guard = self._guards.get(path)
        if (guard and self.table.get(guard) is not None) or path in self._once:
            return False
        if len(stack) >= MAX_INCLUDE_DEPTH:
            return self._note(stack[0].path, f"includes are nested deeper than {MAX_INCLUDE_DEPTH}: not all are read")
        if len(self.instances) >= MAX_INSTANCES:
            first = stack[0].path if stack else path
            return self._note(first, f"more than {MAX_INSTANCES} files are included: the rest is not read")
        try:
            scan = self._scan_of(path)
        except SourceLimit as error:
            return self._note(path, str(error).removeprefix(f"{path}: "))
        if scan is None:
            return False
        if path not in self._guards:
            self._guards[path] = scan.guard
            self._scans[path] = scan
            self.faults.extend((Span(path, line), what) for line, what in scan.faults)
        if scan.once:
            self._once.add(path)
        instance = Instance(scan, self.last)
        self.instances.append(instance)
        self.by_path.setdefault(path, []).append(instance)
        stack.append(instance)
        return True

    def _note(self, path: str, what: str) -> bool:
        """Note, once, that a bound was met. Return False: the file is not entered."""
        if (Span(path, 1), what) not in self.beyond:
            self.beyond.append((Span(path, 1), what))
        return False

    def _include(self, instance: Instance, index: int, stack: list[Instance]) -> bool:
        scan = instance.scan
        named = scan.included.get(index)
        if named is not None:
            path = self.includes.angled(named)
            if path is not None:
                guard = self._guards.get(path)  # most are there already
                if guard and self.table.get(guard) is not None:
                    return False
                return self._enter(path, stack)
        one = scan.directives[index]
        text = scan.argument(index)
        found = _INCLUDE.match(text)
        if found is not None and found.group(2) and one.kind == "include":
            scan.included[index] = found.group(2)
        if found is None:
            try:
                found = _INCLUDE.match(re.sub(r"\s+", "", self._view.expand_text(text)))
            except CSourceError as error:
                self.faults.append((Span(instance.path, one.line), error.what))
        if found is None:
            self.faults.append((Span(instance.path, one.line), "#include without a file name"))
            return False
        name, quoted = found.group(1) or found.group(2), found.group(1) is not None
        after = self.includes.directory_of(instance.path) if one.kind == "include_next" else None
        path = self.includes.find(name, quoted, instance.path, after)
        if path is None:
            self.missing.append((Span(instance.path, one.line), name))
            return False
        return self._enter(path, stack)

    def _branch(self, instance: Instance, step: Step, pc: int) -> int:
        """Decide a conditional; return the step to continue at, behind the directive whose branch is taken."""
        steps, skips = instance.scan.steps, instance.skips
        if step.op != "if":  # reached from the taken branch above it: the rest is inactive
            skips[step.at] = steps[step.after].at
            return step.after + 1
        while step.op != "else" and not self._holds(instance, step.at):
            skips[step.at] = steps[step.target].at
            pc = step.target + 1
            step = steps[step.target]
            if step.op == "endif":
                break
        return pc

    def _holds(self, instance: Instance, index: int) -> bool:
        scan = instance.scan
        asked = scan.asked.get(index)
        if asked is None:
            asked = scan.asked[index] = _asked(scan, index)
        name, holds = asked
        if holds is not None:
            return (self.table.get(name) is not None) == holds
        one = scan.directives[index]
        try:
            return evaluate(scan.argument(index), self._view)
        except ConditionError as error:
            what = error.what
        except CSourceError as broken:  # a name of its own: compiled code gives each one type
            what = broken.what
        self.faults.append((Span(instance.path, one.line), what))
        return False
