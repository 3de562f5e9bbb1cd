"""Options that name input, tree, architectures and rules, and the request that they are."""

import argparse
import os
from pathlib import Path

from ptlint.cli._parser import add_rules_dir, comma_separated, positive
from ptlint.engine.request import CheckRequest
from ptlint.errors import UsageError

MAX_COMMITS = 500


def add_tree(
    parser: argparse.ArgumentParser,
    title: str = "what it applies to",
    base: str = "revision to apply to (default: the base-commit trailer, else the newest commit it applies to)",
) -> argparse._ArgumentGroup:
    """Add the options that name a tree, and return their group for more."""
    tree = parser.add_argument_group(title)
    tree.add_argument("--tree", metavar="PATH", type=Path, help="kernel repository or source tree (default: here)")
    tree.add_argument("--base", metavar="REV", help=base)
    parser.set_defaults(revision=None, max_commits=MAX_COMMITS)
    return tree


def add_versions(tree: argparse._ArgumentGroup) -> None:
    """Add the options that choose and bound a series."""
    tree.add_argument("--revision", metavar="N", type=positive, help="which version of a series that a thread holds")
    tree.add_argument(
        "--max-commits", metavar="N", type=positive, default=MAX_COMMITS, help="most commits of a range (default: 500)"
    )


def add_profiles(tree: argparse._ActionsContainer) -> None:
    """Add the options that name architectures and configurations."""
    tree.add_argument(
        "--arch",
        metavar="A[,B]",
        dest="archs",
        type=comma_separated,
        action="extend",
        default=[],
        help="architectures or profiles; 'all' runs generic code on every one (default: on those that stand for all)",
    )
    tree.add_argument("--config", metavar="FILE", type=Path, help="a kernel .config in place of the built-in profiles")


def add_rules(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    """Add the options that choose rules, and return their group for more."""
    rules = parser.add_argument_group("rules")
    for option, text in (("--select", "run only these"), ("--ignore", "leave these out")):
        rules.add_argument(
            option,
            metavar="CODES",
            type=comma_separated,
            action="extend",
            default=[],
            help=f"{text}: codes or their beginnings, separated by commas",
        )
    add_rules_dir(parser)
    rules.add_argument(
        "--isolated",
        action="store_true",
        help="let neither the tree's .ptlint.toml nor a Ptlint-ignore trailer of a patch leave anything out",
    )
    return rules


def request_of(arguments: argparse.Namespace, inputs: tuple[str, ...], **more: bool) -> CheckRequest:
    """Return the request for *inputs* with what was given of the options above. Raises UsageError."""
    if arguments.config and not os.path.isfile(arguments.config):
        raise UsageError(f"--config {arguments.config}: no such file")
    tree = getattr(arguments, "tree", None)
    if tree and not os.path.isdir(tree):
        raise UsageError(f"--tree {tree}: no such folder")
    return CheckRequest(
        inputs=inputs,
        tree=tree,
        base=getattr(arguments, "base", None),
        archs=tuple(arguments.archs),
        config=arguments.config,
        rules_dirs=tuple(arguments.rules_dirs),
        select=tuple(arguments.select),
        ignore=tuple(arguments.ignore),
        revision=getattr(arguments, "revision", None),
        max_commits=getattr(arguments, "max_commits", MAX_COMMITS),
        isolated=arguments.isolated,
        cwd=Path.cwd(),
        **more,
    )
