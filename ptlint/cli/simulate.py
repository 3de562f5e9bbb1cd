"""``ptlint simulate``: one helper on the simulator, on one architecture or all, with the run that breaks it."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ptlint.cli._output import write_output
from ptlint.cli._parser import comma_separated
from ptlint.cli._progress import Progress

if TYPE_CHECKING:
    from ptlint.engine.request import CheckRequest
    from ptlint.sim.judgement import Judgement
    from ptlint.sim.litmus import Verdict

SUMMARY = "Run a helper on the simulator: what holds, what breaks, and the smallest run that shows it."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the helper, the code and the output."""
    parser.add_argument(
        "function", metavar="FUNCTION", help="a helper, a caller, a function that they call, or a file *.litmus"
    )
    parser.add_argument("--tree", metavar="PATH", type=Path, help="kernel repository or source tree (default: here)")
    parser.add_argument("--base", metavar="REV", help="revision to run (default: HEAD)")
    parser.add_argument("--patch", metavar="INPUT", action="append", default=[], help="patches to apply first")
    parser.add_argument(
        "--arch",
        metavar="A[,B]",
        dest="archs",
        type=comma_separated,
        action="extend",
        default=[],
        help="architectures or profiles (default: all)",
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="a kernel .config, for one --arch")
    parser.add_argument(
        "--nr", metavar="N", type=int, help="only batches of N entries (default: 1, 2, 3 and more; at most 512)"
    )
    parser.add_argument("--trace", action="store_true", help="a run of every batch size, also where nothing breaks")
    parser.add_argument("--json", action="store_true", help="as JSON, with every counterexample")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE, whole or not at all")


def run(arguments: argparse.Namespace) -> int:
    """Print the judgements; 1 when a property is broken, 0 otherwise. What only callers could bring about is not."""
    from ptlint.engine.request import CheckRequest
    from ptlint.engine.simulate import simulate

    request = CheckRequest(
        inputs=tuple(arguments.patch),
        tree=arguments.tree,
        base=arguments.base,
        archs=tuple(arguments.archs),
        config=arguments.config,
        cwd=Path.cwd(),
    )
    if arguments.function.endswith(".litmus"):
        return _litmus(request, arguments)
    judgements, unread = [], list[str]()
    with Progress() as progress:
        progress(f"running {arguments.function}()")
        for judgement in simulate(
            request, arguments.function, arguments.nr, trace=arguments.trace, unread=unread.append
        ):
            judgements.append(judgement)
            progress(f"ran {judgement.subject.replace('+', '() and ')}() on {judgement.arch}")
    if arguments.json:
        text = _as_json(arguments.function, judgements, unread)
    else:
        text = "\n".join([*_lines(judgements), *(f"not read: {one}" for one in unread)]) + "\n"
    write_output(lambda out: _write(out, text), arguments.output)
    return int(any(judgement.violations and not judgement.general for judgement in judgements))


def _litmus(request: "CheckRequest", arguments: argparse.Namespace) -> int:
    """Print what can come out of a litmus test; 1 when its file expects another verdict."""
    from ptlint.engine.litmus import verdicts

    with Progress() as progress:
        progress(f"running {arguments.function}")
        found = list(verdicts(request, Path(arguments.function)))
    if arguments.json:
        data = {"schema_version": 1, "results": [asdict(one) for one in found]}
        text = json.dumps(data, indent=2, default=sorted) + "\n"
    else:
        text = "\n".join(line for verdict in found for line in _verdict_lines(verdict)) + "\n"
    write_output(lambda out: _write(out, text), arguments.output)
    return int(any(one.litmus.expect not in ("", one.word) for one in found))


def _verdict_lines(verdict: "Verdict") -> Iterator[str]:
    question = verdict.litmus.question
    yield f"{verdict.litmus.name} on {verdict.profile}: {len(verdict.states)} final states"
    for state in verdict.states:
        yield f"  {' | '.join(state.entries)}{'  ' + question if state.holds else ''}"
        yield from (f"      {step}" for step in state.run)
    yield f"{question}: {verdict.word}"
    if verdict.litmus.expect not in ("", verdict.word):
        yield f"the file expects: {verdict.litmus.expect}"


def _write(out: Any, text: str) -> None:
    out.write(text)


def _lines(judgements: "list[Judgement]") -> Iterator[str]:
    from ptlint.report.terminal import run_lines

    for judgement in judgements:
        yield f"{judgement.arch}  {judgement.subject.replace('+', '() + ')}(): {_verdict(judgement)}"
        for violation in judgement.violations:
            yield f"  {violation.property}{' (with the MMU in between)' if violation.raced else ''}: {violation.detail}"
            yield from run_lines(violation.counterexample)
            yield from (f"    seen by: {text}" for text in violation.observed)
        if judgement.violations and judgement.general:
            yield f"  = note: {_OF_CALLERS}"
        if judgement.known:
            yield f"  as before the patches, not told again: {', '.join(judgement.known)}"
        for number, example in enumerate(judgement.traces, start=1):
            yield f"  run {number} of {len(judgement.traces)}, {example.nr} entries"
            yield from run_lines(example)
        for assumed in judgement.assumed:
            yield f"  explored both ways: {assumed.function}() ({assumed.what})"


_OF_CALLERS = (
    "callers may never give it a state in which this happens; a check, or --patch, tells what did not happen before"
)


def _verdict(judgement: "Judgement") -> str:
    if judgement.stopped is not None:
        what, pos, function = judgement.stopped
        place = f" at {pos.path}:{pos.line} in {function}()" if pos.path else ""
        return f"not executed: {what}{place}"
    if judgement.exhausted or judgement.failed:
        return f"not finished: {judgement.exhausted or judgement.failed}"
    kind = "every state" if judgement.exhaustive else "samples"
    number = len(judgement.violations)
    broken = f"holds but for {number}, from some states" if judgement.general else f"broken: {number}"
    outcome = broken if judgement.violations else "holds"
    return f"{outcome} ({judgement.scenarios:,} scenarios, {kind})"


def _as_json(function: str, judgements: "list[Judgement]", unread: list[str]) -> str:
    results = [
        {
            "arch": judgement.arch,
            "subject": judgement.subject,
            "scenarios": judgement.scenarios,
            "exhaustive": judgement.exhaustive,
            "general": judgement.general,
            "known": judgement.known,
            "violations": [asdict(violation) for violation in judgement.violations],
            "assumed": [asdict(assumed) for assumed in judgement.assumed],
            "stopped": None if judgement.stopped is None else judgement.stopped[0],
            "exhausted": judgement.exhausted or judgement.failed,
        }
        for judgement in judgements
    ]
    return (
        json.dumps({"schema_version": 1, "function": function, "results": results, "not_read": unread}, indent=2) + "\n"
    )
