"""What a page or folio is: its flags, as questions by page (include/linux/page-flags.h).

Nobody set the flags of the pages of a scenario, so each is explored both ways, page by page, and stays as it is
throughout a run.
"""

from __future__ import annotations

from collections.abc import Sequence

from ptlint.csrc.ctypes import CType
from ptlint.sim.frame import Frame, Value
from ptlint.sim.primitives.registry import runs
from ptlint.sim.questions import ask
from ptlint.sim.types import BOOL


@runs(r"/Page[A-Z][A-Za-z]*/", r"/folio_test_\w+/", returns="_Bool")
def flag(frame: Frame, values: Sequence[Value], types: Sequence[CType], name: str) -> Value:
    """PageAnonExclusive(page), folio_test_large(folio), …: a question about this page."""
    return ask(frame.machine, name, values, types, BOOL)
