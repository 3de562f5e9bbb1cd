"""``ptlint explain``: all that a rule says of itself."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ptlint.cli._parser import add_rules_dir
from ptlint.errors import UsageError

if TYPE_CHECKING:
    from ptlint.core.rule import Example, RuleInfo

SUMMARY = "Explain rules: what they report, why it matters, what to do, when they are wrong, examples, evidence."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the codes."""
    parser.add_argument("codes", metavar="CODE", nargs="+", help="a rule's code or name, as in PT101")
    add_rules_dir(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the explanations."""
    from ptlint.engine.rules import load_rules

    rules = load_rules(arguments.rules_dirs)
    by_name = {name: rule.info for rule in rules for name in (rule.info.code, rule.info.name.upper())}
    texts = []
    for code in arguments.codes:
        info = by_name.get(code.strip().upper())
        if info is None:
            raise UsageError(f"no rule {code!r}; 'ptlint rules' lists them all")
        texts.append("\n".join(explained(info)))
    print("\n\n".join(texts))
    return 0


def explained(info: "RuleInfo") -> Iterator[str]:
    """Yield the explanation of a rule, line by line, as Markdown that reads well as it is."""
    from ptlint.core.explanation import sections

    yield f"# {info.code} {info.name}"
    yield ""
    yield f"{info.summary} ({info.severity.value}, since {info.since}{'' if info.default else ', off by default'})"
    for heading, text in sections(info.explanation).items():
        yield from ("", f"## {heading}", "", text)
    yield from ("", "## Examples")
    for example in info.examples:
        yield from _example(example)
    yield from ("", "## Evidence", "")
    for evidence in info.evidence:
        yield f"- {evidence.title}: {evidence.url}"


def _example(example: "Example") -> Iterator[str]:
    from ptlint.core.explanation import wanted, without_marks

    yield from ("", f"{'Right' if example.valid else 'Wrong'}: {example.why}", "", "```c")
    lines = without_marks(example.code).strip("\n").splitlines()
    yield from lines
    yield "```"
    skipped = len(example.code) - len(example.code.lstrip("\n"))
    for want in wanted(example):
        yield f"Reported on line {want.line - skipped}."
