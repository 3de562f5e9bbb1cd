"""Discovery of rules: which files are rules, whether each is complete, and which of them a run asks for.

A linter must not silently check less than it says: whatever is wrong with a rule file is a ``RuleLoadError`` that
names the file and the line, never a rule that is left out.
"""

import importlib.machinery
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import ptlint
from ptlint.core.explanation import HEADINGS, sections, wanted
from ptlint.core.finding import Finding
from ptlint.core.rule import Example, Merge, RuleInfo, Severity
from ptlint.errors import RuleLoadError, UsageError

Check = Callable[[Any], Iterator[Finding]]
"""A rule's ``check``: a context of the engine's in, findings out."""

_CODE = re.compile(r"[A-Z]{2,8}[0-9]{3}")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_COMMIT = re.compile(r"[0-9a-f]{12,40}")


@dataclass(frozen=True, slots=True)
class LoadedRule:
    """A rule that is complete: what it says of itself, its check, and the file it came from."""

    info: RuleInfo
    check: Check
    path: Path


def packaged_folder() -> Path:
    """Return the folder of ptlint's own rules: inside an installed package, beside it in a checkout."""
    package = Path(ptlint.__file__).resolve().parent
    inside = package / "_rules"
    return inside if inside.is_dir() else package.parent / "rules"


def load_rules(folders: Sequence[Path] = ()) -> tuple[LoadedRule, ...]:
    """Return ptlint's own rules and those of *folders*, by code.

    Raises RuleLoadError for a folder without rules, a file that is no complete rule, and a code that is taken.
    """
    rules: dict[str, LoadedRule] = {}
    for folder, is_own in [(packaged_folder(), True), *((folder, False) for folder in folders)]:
        for path in rule_files(folder):
            rule = load_rule(path, keep_bytecode=is_own)
            taken = rules.setdefault(rule.info.code, rule)
            if taken is not rule:
                raise _refusal(path, f"code {rule.info.code} is already taken by {taken.path}; choose a free one")
    return tuple(rules[code] for code in sorted(rules))


def rule_files(folder: Path) -> tuple[Path, ...]:
    """Return the rule files of *folder*, sorted: every ``*.py`` in it. RuleLoadError when there is none."""
    if not folder.is_dir():
        raise RuleLoadError(f"{folder}: no such folder of rules")
    paths = tuple(sorted(path for path in folder.glob("*.py") if path.name != "__init__.py"))
    if not paths:
        raise RuleLoadError(f"{folder}: holds no rule file (*.py), so nothing would be checked")
    return paths


def load_rule(path: Path, keep_bytecode: bool = False) -> LoadedRule:
    """Return the rule in *path*. RuleLoadError with one sentence when it cannot be imported or is not complete.

    Byte code is kept beside the file only on request: a folder that the user names is never written to.
    """
    if not path.is_file():
        raise _refusal(path, "is no regular file")
    module = _import(path, keep_bytecode)
    info, check = getattr(module, "RULE", None), getattr(module, "check", None)
    if not isinstance(info, RuleInfo):
        raise _refusal(path, "defines no RULE = RuleInfo(...)")
    if not callable(check):
        raise _refusal(path, "defines no function check(ctx)")
    fault = next(_faults(path, info), None)
    if fault is not None:
        raise _refusal(path, fault, _line_of_rule(path))
    return LoadedRule(info, check, path)


def select_rules(
    rules: Iterable[LoadedRule], select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> tuple[LoadedRule, ...]:
    """Return the rules that a run asks for.

    *select* and *ignore* are codes or their beginnings (``PT1``), in any case. Without *select* every rule that is on
    by default runs; a rule that is off runs when its whole code is selected. UsageError for one that fits no rule.
    """
    known = tuple(rules)
    chosen = tuple(_wanted_code(known, "--select", entry) for entry in select)
    refused = tuple(_wanted_code(known, "--ignore", entry) for entry in ignore)

    def runs(info: RuleInfo) -> bool:
        if info.code.startswith(refused):
            return False
        if not chosen:
            return info.default
        return info.code in chosen or (info.default and info.code.startswith(chosen))

    return tuple(rule for rule in known if runs(rule.info))


def _wanted_code(rules: Sequence[LoadedRule], option: str, entry: str) -> str:
    prefix = entry.strip().upper()
    if not prefix or not any(rule.info.code.startswith(prefix) for rule in rules):
        raise UsageError(f"{option} {entry!r}: no rule has this code or beginning; 'ptlint rules' lists them all")
    return prefix


class _PureLoader(importlib.machinery.SourceFileLoader):
    """Imports a source file and leaves no byte code behind."""

    def set_data(self, path: str, data: object, *, _mode: int = 0o666) -> None:
        """Write nothing."""


def _import(path: Path, keep_bytecode: bool) -> ModuleType:
    folder = re.sub(r"\W", "_", str(path.parent.resolve()))
    name = f"_ptlint_rules.{folder}.{path.stem}"
    kind = importlib.machinery.SourceFileLoader if keep_bytecode else _PureLoader
    loader = kind(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise _refusal(path, "cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except SyntaxError as error:
        del sys.modules[name]
        raise _refusal(path, f"syntax error: {error.msg}", error.lineno or 1) from error
    except (Exception, SystemExit) as error:  # a rule is a program: whatever it raises at import is its own fault
        del sys.modules[name]
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        raise _refusal(path, f"cannot be imported: {reason}", _line_in(path, error)) from error
    return module


def _line_in(path: Path, error: BaseException) -> int:
    """Return the line of *path* that led to *error*."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return (lines[-1] if lines else None) or 1


def _line_of_rule(path: Path) -> int:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return next((number for number, line in enumerate(lines, start=1) if line.startswith("RULE")), 1)


def _refusal(path: Path, reason: str, line: int = 1) -> RuleLoadError:
    return RuleLoadError(f"{os.fspath(path)}:{line}: {reason}")


def _faults(path: Path, info: RuleInfo) -> Iterator[str]:
    """Yield what keeps *info* from being a complete rule, the most basic first."""
    if not _CODE.fullmatch(info.code):
        yield f"code {info.code!r} is not capital letters and three digits, as in PT101"
    if not _NAME.fullmatch(info.name):
        yield f"name {info.name!r} is not lower-case words joined by '-', as in commit-stale-pfn"
    expected = f"{info.code.lower()}_{info.name.replace('-', '_')}.py"
    if path.name != expected:
        yield f"a file with the rule {info.code} {info.name} must be called {expected}"
    if not isinstance(info.severity, Severity) or not isinstance(info.merge, Merge):
        yield "severity must be a Severity and merge a Merge"
    if not info.summary.strip() or "\n" in info.summary:
        yield "summary must be one line"
    if not info.since.strip():
        yield "since must name the version of ptlint that brings the rule"
    yield from _faults_of_explanation(info)
    yield from _faults_of_evidence(info)
    yield from _faults_of_examples(info.examples)


def _faults_of_explanation(info: RuleInfo) -> Iterator[str]:
    parts = sections(info.explanation)
    for heading in HEADINGS:
        if heading not in parts:
            yield f"explanation has no heading {heading!r}"
        elif not parts[heading]:
            yield f"explanation has nothing under {heading!r}"


def _faults_of_evidence(info: RuleInfo) -> Iterator[str]:
    if not info.evidence:
        yield "evidence is empty: name a commit, a lore message or a kernel document that shows the defect is real"
    for entry in info.evidence:
        if entry.kind not in ("commit", "lore", "doc"):
            yield f"evidence of kind {entry.kind!r}: it must be commit, lore or doc"
        elif entry.kind == "commit" and not _COMMIT.fullmatch(entry.ref):
            yield f"evidence {entry.ref!r} is not a commit id of 12 to 40 hexadecimal digits"
        elif not entry.ref.strip() or entry.ref.startswith("<") or not entry.title.strip():
            yield f"evidence {entry.ref!r} needs a bare reference and a title"


def _faults_of_examples(examples: Sequence[Example]) -> Iterator[str]:
    for kind in (True, False):
        if not any(example.valid is kind for example in examples):
            yield f"examples hold no {'valid' if kind else 'invalid'} one"
    for number, example in enumerate(examples, start=1):
        marks = wanted(example)
        if not example.why.strip():
            yield f"example {number} does not say why"
        if example.valid and marks:
            yield f"example {number} is valid and yet has a // want mark"
        if not example.valid and not marks:
            yield f'example {number} is invalid and has no // want "regex" on the line to report'
        for mark in marks:
            try:
                re.compile(mark.pattern)
            except re.error as error:
                yield f"example {number} wants {mark.pattern!r}, which is no regular expression: {error}"
