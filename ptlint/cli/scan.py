"""``ptlint scan``: the rules over a tree as it is."""

import argparse
import os

from ptlint.cli._baseline import add_baseline, read_known, with_baseline
from ptlint.cli._checked import exit_code
from ptlint.cli._output import add_output, write_output
from ptlint.cli._parser import positive
from ptlint.cli._request import add_profiles, add_rules, add_tree, request_of
from ptlint.report import load_format

SUMMARY = "Scan a tree as it is, without a series: for audits and baselines."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare paths, tree, rules and output."""
    parser.add_argument("inputs", metavar="PATH", nargs="*", help="files and folders of the tree (default: all of it)")
    tree = add_tree(parser, "what is scanned", "revision to scan (default: the tracked files as they are on disk)")
    add_profiles(tree)
    add_baseline(add_rules(parser))
    run = parser.add_argument_group("run")
    run.add_argument(
        "--jobs", metavar="N", type=positive, default=_processors(), help="processes (default: one a processor)"
    )
    run.add_argument("--no-cache", action="store_true", help="neither use nor keep what an earlier run found out")
    add_output(parser)


def run(arguments: argparse.Namespace) -> int:
    """Scan, write the report, and return the exit code as the README says."""
    from ptlint.cli._progress import Progress

    chosen = load_format(arguments.format)
    request = request_of(arguments, tuple(arguments.inputs))
    known = read_known(arguments)
    with Progress() as progress:
        from ptlint.engine.scan import scan

        report = scan(request, arguments.jobs, not arguments.no_cache, progress)
    report = with_baseline(arguments, report, known)
    write_output(lambda out: chosen.report(report, out), arguments.output)
    return 0 if getattr(chosen, "ADVISORY", False) else exit_code(report, arguments.fail_on)


def _processors() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
