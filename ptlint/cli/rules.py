"""``ptlint rules``: the list of rules, for people, programs and documentation."""

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ptlint.cli._parser import add_rules_dir

if TYPE_CHECKING:
    from ptlint.core.rule import RuleInfo

SUMMARY = "List the rules."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the forms of the list."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON, with explanations, examples and evidence")
    form.add_argument("--markdown", action="store_true", help="as a Markdown page with everything the rules say")
    add_rules_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    from ptlint.engine.rules import load_rules

    rules = [rule.info for rule in load_rules(arguments.rules_dirs)]
    if arguments.json:
        print(json.dumps({"schema_version": 1, "rules": [_as_json(info) for info in rules]}, indent=2))
    elif arguments.markdown:
        print("\n".join(_as_markdown(rules)))
    else:
        width = max(len(info.name) for info in rules)
        for info in rules:
            off = "" if info.default else " (off by default)"
            print(f"{info.code}  {info.severity.value:<7}  {info.name:<{width}}  {info.summary}{off}")
    return 0


def _as_json(info: "RuleInfo") -> dict[str, object]:
    from ptlint.core.explanation import sections

    return {
        "code": info.code,
        "name": info.name,
        "summary": info.summary,
        "severity": info.severity.value,
        "merge": info.merge.value,
        "since": info.since,
        "default": info.default,
        "explanation": sections(info.explanation),
        "evidence": [
            {"kind": entry.kind, "ref": entry.ref, "title": entry.title, "url": entry.url} for entry in info.evidence
        ],
        "examples": [
            {"valid": example.valid, "path": example.path, "why": example.why, "code": example.code}
            for example in info.examples
        ],
    }


def _as_markdown(rules: Sequence["RuleInfo"]) -> Iterator[str]:
    from ptlint.cli.explain import explained

    yield from ("# Rules", "", "| code | name | severity | what it reports |", "|---|---|---|---|")
    for info in rules:
        yield f"| {info.code} | {info.name} | {info.severity.value} | {info.summary} |"
    for info in rules:
        yield ""
        for line in "\n".join(explained(info)).splitlines():
            yield f"#{line}" if line.startswith(("# ", "## ")) else line
