"""Programs over the reference tree with functions of a test's own in it."""

from ptlint.csrc.universe import SourceText, load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.passes.shown import changes_in_text
from ptlint.reference import reference_tree
from ptlint.sim.program import Program

HEADER = "include/linux/pgtable.h"


def program_with(code: str = "", path: str = HEADER) -> Program:
    """Return a program in which the whole functions of *code* stand in for those of the reference tree."""
    texts = {change.name: SourceText(path, change.span.line, change.text) for change in changes_in_text(path, code)}
    program = Program(load_universe(reference_tree(), REFERENCE, overrides=texts))
    program.interest = frozenset(texts) or None
    return program
