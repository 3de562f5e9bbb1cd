"""``ptlint model``: which definition of a page-table helper is effective, on which architecture, and why."""

import argparse
import functools
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ptlint.cli._output import write_output
from ptlint.cli._parser import comma_separated
from ptlint.errors import UsageError

if TYPE_CHECKING:
    from ptlint.calls.facts import ProfileModel
    from ptlint.cli._models import Selection
    from ptlint.core.tree import SourceTree
    from ptlint.store import FactStore

SUMMARY = "Show which definition of a helper is effective on every architecture, why, and what it calls."

FORMATS = ("table", "json", "dot", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare symbols, tree, profiles and output."""
    parser.add_argument(
        "symbols", metavar="SYMBOL", nargs="*", help="a function or macro (default: all that can be overridden)"
    )
    parser.add_argument("--tree", metavar="PATH", type=Path, help="kernel repository or source tree (default: here)")
    parser.add_argument("--base", metavar="REV", help="revision to look at (default: HEAD)")
    parser.add_argument(
        "--arch",
        metavar="A[,B]",
        type=comma_separated,
        default=[],
        help="architectures or profiles (default: the main ones)",
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="the .config of a kernel build, for one --arch")
    parser.add_argument("--all-profiles", action="store_true", help="every profile of the architectures")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="without symbols: every page-table name, not only what can be overridden",
    )
    parser.add_argument("--no-cache", action="store_true", help="build the model anew and keep nothing")
    parser.add_argument("--why", action="store_true", help="show the guards that lead to each definition")
    parser.add_argument("--callers", action="store_true", help="show who calls each SYMBOL")
    parser.add_argument(
        "--diff",
        metavar="INPUT",
        action="append",
        default=[],
        help="what a series changes: an mbox, patch files, '-' or a git range, as check takes them",
    )
    parser.add_argument("--html", action="store_const", const="html", dest="format", help="a page of its own")
    parser.add_argument("--dot", action="store_const", const="dot", dest="format", help="a graph for graphviz")
    parser.add_argument("--json", action="store_const", const="json", dest="format", help="the same as --format json")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: table")
    parser.set_defaults(format="table")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="write to FILE, whole or not at all")


def run(arguments: argparse.Namespace) -> int:
    """Print the model."""
    from ptlint.cli._models import Selection, models_of
    from ptlint.store import open_store

    selection = Selection(arguments.arch, arguments.config, arguments.all_profiles)
    store = open_store(not arguments.no_cache)
    if arguments.diff:
        return _run_diff(arguments, selection, store)
    if arguments.callers and not arguments.symbols:
        raise UsageError("--callers needs a symbol: whose callers?")
    tree = _tree(arguments)
    everything = arguments.everything or arguments.format == "json"
    models = models_of(tree, selection, store, arguments.symbols, everything, arguments.callers)
    unknown = [name for name in arguments.symbols if not any(name in model.rows for model in models)]
    if unknown:
        raise UsageError(f"{', '.join(unknown)}: not declared under any profile that was looked at")
    write_output(functools.partial(_write, arguments, models, tree), arguments.output)
    return 0


def _run_diff(arguments: argparse.Namespace, selection: "Selection", store: "FactStore") -> int:
    from ptlint.cli._modeldiff import compared, write_json, write_text

    if arguments.symbols or arguments.format not in ("table", "json"):
        raise UsageError("--diff shows what a series changes, as text or --json, and takes no symbols")
    diff = compared(arguments.diff, arguments.tree, arguments.base, selection, store)
    write = write_json if arguments.format == "json" else write_text
    write_output(functools.partial(write, diff), arguments.output)
    return 0 if all(one.applied for one in diff.status) else 3


def _write(arguments: argparse.Namespace, models: "tuple[ProfileModel, ...]", tree: "SourceTree", out: TextIO) -> None:
    from ptlint.calls import show

    if arguments.format == "json":
        show.write_json(models, out)
    elif arguments.format == "dot":
        show.write_dot(models, out)
    elif arguments.format == "html":
        from ptlint.calls.page import write_page

        write_page(models, tree, out)
    else:
        show.write_table(models, out, why=arguments.why)


def _tree(arguments: argparse.Namespace) -> "SourceTree":
    from ptlint.core.patch import Series
    from ptlint.tree import enclosing_tree, open_base

    tree = arguments.tree or enclosing_tree(Path.cwd())
    if tree is None:
        raise UsageError("no tree: give --tree, or run it inside a kernel repository")
    return open_base(tree, arguments.base, Series("", 1, "", "", (), 0)).tree
