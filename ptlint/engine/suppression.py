"""Findings that somebody asked to leave out: the tree in its ``.ptlint.toml``, the author of a patch in a trailer.

Both come from outside, so nothing disappears: what is left out is listed, with the reason that was given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace

from ptlint.config import NAME, Config, Ignore, read_config
from ptlint.core.finding import Finding
from ptlint.core.patch import LeftOut, Patch, PatchRef, Series
from ptlint.core.report import Report, Suppressed
from ptlint.core.tree import SourceTree
from ptlint.engine.request import CheckRequest
from ptlint.engine.rules import LoadedRule, select_rules

_LINE = re.compile(r"^Ptlint-ignore:[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.IGNORECASE | re.MULTILINE)
_TRAILER = re.compile(r"\s*([A-Za-z]{2,8}[0-9]{3}(?:\s*,\s*[A-Za-z]{2,8}[0-9]{3})*)(?:[\s:,-]+(.*))?", re.DOTALL)
UNUSED = "unused-ignore"


@dataclass(frozen=True, slots=True)
class Waiver:
    """A trailer ``Ptlint-ignore: PT407 reason``: findings of these rules that *patch* brings are left out."""

    patch: PatchRef
    rules: tuple[str, ...]
    reason: str


def suppressed(report: Report, config: Config, codes: Set[str], trailers: bool = True) -> Report:
    """Return *report* with the findings moved to ``suppressed`` that *config* or a trailer leaves out.

    *codes* are those of all rules there are; others that are named are reported, and so is an entry without effect.
    Without *trailers* those of patches are not looked at.
    """
    waivers, faults = _waivers(report.series if trailers else None, codes)
    kept: list[Finding] = []
    hidden: list[Suppressed] = []
    used: set[Ignore | Waiver] = set()
    for finding in report.findings:
        found = _covering(finding, config.ignores, waivers)
        if found is None:
            kept.append(finding)
            continue
        used.add(found)
        origin = NAME if isinstance(found, Ignore) else f"Ptlint-ignore of patch {found.patch.index}"
        line = found.line if isinstance(found, Ignore) else 0
        hidden.append(Suppressed(finding, found.reason, origin, line))
    notes = [*faults, *_unknown(config, codes), *_unused(report, config, waivers, used)]
    return replace(
        report, findings=tuple(kept), suppressed=tuple(hidden), left_out=(*report.left_out, *dict.fromkeys(notes))
    )


def _covering(finding: Finding, ignores: Iterable[Ignore], waivers: Iterable[Waiver]) -> Ignore | Waiver | None:
    for ignore in ignores:
        if ignore.covers(finding):
            return ignore
    for waiver in waivers:
        if finding.patch == waiver.patch and finding.code in waiver.rules:
            return waiver
    return None


def _waivers(series: Series | None, codes: Set[str]) -> tuple[list[Waiver], list[LeftOut]]:
    waivers: list[Waiver] = []
    faults: list[LeftOut] = []
    for patch in series.patches if series is not None else ():
        for value in _values(patch):
            found = _TRAILER.fullmatch(value)
            rules = tuple(one.strip().upper() for one in found[1].split(",")) if found else ()
            reason = " ".join((found[2] or "").split()) if found else ""
            fault = ""
            if not rules:
                fault = "names no rule: write 'Ptlint-ignore: PT407 reason'"
            elif unknown := [code for code in rules if code not in codes]:
                fault = f"no rule has the code {', '.join(unknown)}"
            elif not reason:
                fault = "gives no reason, so nothing is left out for it"
            if fault:
                faults.append(LeftOut("ignore", f"Ptlint-ignore: {value}", fault, patch.source))
            else:
                waivers.append(Waiver(patch.ref, rules, reason))
    return waivers, faults


def _values(patch: Patch) -> Iterator[str]:
    """Yield what stands after ``Ptlint-ignore:``, in the last paragraph of the message or any other, on one line."""
    return (" ".join(found.split()) for found in _LINE.findall(patch.body))


def _unknown(config: Config, codes: Set[str]) -> Iterator[LeftOut]:
    named = [(code, 0) for code in (*config.select, *config.ignore)]
    named += [(code, one.line) for one in config.ignores for code in one.rules]
    for code, line in named:
        if not any(one.startswith(code) for one in codes):
            yield LeftOut("ignore", code, "no rule has this code or beginning", NAME, line)


def _unused(report: Report, config: Config, waivers: Sequence[Waiver], used: Set[Ignore | Waiver]) -> Iterator[LeftOut]:
    """Yield the entries without effect: trailers, and those of the file once a whole tree was scanned for them."""
    for waiver in waivers:
        if waiver not in used:
            what = f"Ptlint-ignore: {', '.join(waiver.rules)} (patch {waiver.patch.index})"
            yield LeftOut(UNUSED, what, "the patch brings no such finding")
    ran = {rule.code for rule in report.rules}
    for ignore in config.ignores:
        asked = any(code.startswith(ignore.rules) for code in ran)
        if ignore not in used and asked and "" in report.scope:
            where = " ".join(filter(None, (ignore.path, ignore.function and f"{ignore.function}()")))
            what = ", ".join(ignore.rules) + (f" in {where}" if where else "")
            yield LeftOut(UNUSED, what, "nothing is found that it leaves out", NAME, ignore.line)


def rules_asked(
    rules: Sequence[LoadedRule], request: CheckRequest, config: Config
) -> tuple[tuple[LoadedRule, ...], tuple[LeftOut, ...]]:
    """Return those of *rules* that run, and those that do not because the tree's configuration leaves them out.

    The command line comes first: its ``--select`` takes the place of the file's, its ``--ignore`` adds to it.
    """
    asked = select_rules(rules, request.select, request.ignore)
    codes = {rule.info.code for rule in rules}
    select, ignore = (_known(these, codes) for these in (config.select, config.ignore))
    chosen = select_rules(rules, request.select or select, (*request.ignore, *ignore))
    running = {rule.info.code for rule in chosen}
    reason = "not run: [rules] of the tree's configuration leaves it out"
    return chosen, tuple(
        LeftOut("ignore", rule.info.code, reason, NAME) for rule in asked if rule.info.code not in running
    )


def _known(named: Sequence[str], codes: Set[str]) -> tuple[str, ...]:
    return tuple(one for one in named if any(code.startswith(one) for code in codes))


def config_of(tree: SourceTree, request: CheckRequest) -> Config:
    """Return the configuration of *tree*, nothing when the request is for an isolated run. Raises UsageError."""
    return Config() if request.isolated else read_config(tree.read(NAME))
