"""Huge pages of hugetlb: the sizes that a universe has, and one of them mapped."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from ptlint.sim.batch import Batch, Layout
from ptlint.sim.convert import scalar
from ptlint.sim.errors import CannotExecute
from ptlint.sim.frame import Value
from ptlint.sim.program import Program
from ptlint.sim.roles import Signature, signature_of
from ptlint.sim.session import Session
from ptlint.sim.tables import linked, number
from ptlint.sim.values import Mask

SIZES = 0
"""Under which a program keeps the sizes of its huge pages; a program for one size stands under that, in bytes."""

MOST_ENTRIES = 256


@dataclass(frozen=True, slots=True)
class Page:
    """A size of huge pages: ``level`` of its entries in the tables, each of which maps ``step`` bytes.

    ``needs`` are the questions about the machine that are yes where it has such pages.
    """

    size: int
    level: str
    step: int
    needs: tuple[Hashable, ...] = ()

    @property
    def entries(self) -> int:
        """Return how many entries map it."""
        return self.size // self.step


def pages(program: Program) -> tuple[Page, ...]:
    """Return the sizes of huge pages that the universe says are valid."""
    kept = program.settings.get(SIZES)  # asked once: later runs settle what the machine can do
    if isinstance(kept, tuple):
        return kept
    shifts = {level: program.constant(f"{level.upper()}_SHIFT") for level in ("pmd", "pud")}
    base = program.constant("PAGE_SHIFT")
    found = []
    for shift in range(base + 1, shifts["pud"] + 1):
        needs = _needs(program, 1 << shift)
        if needs is None:
            continue
        level, step = "pte", base
        for upper in ("pmd", "pud"):
            if shift >= shifts[upper]:
                level, step = upper, shifts[upper]
        found.append(Page(1 << shift, level, 1 << step, needs))
    sizes = tuple(page for page in found if page.entries <= MOST_ENTRIES)
    program.settings[SIZES] = sizes
    return sizes


def _needs(program: Program, size: int) -> tuple[Hashable, ...] | None:
    """Return what a machine must be able to do to have huge pages of *size*, None where none has them."""
    answers: dict[Hashable, Mask] = {}
    for _ in range(2):
        session = Session(program, 1, answers)
        valid = session.run("!!arch_hugetlb_valid_size(size)", size=("unsigned long", size))
        if bool(np.any(session.machine.truth(scalar(valid)))):
            return tuple(answers)
        answers = {question: np.ones(1, dtype=bool) for question in session.machine.asked}
    return None


def on_machine(program: Program, page: Page) -> Program:
    """Return the program on a machine that has pages of this size."""
    if not page.needs:
        return program
    twin = program.settings.get(page.size)
    if twin is None:
        twin = program.twin()
        twin.facts = {**program.facts, **dict.fromkeys(page.needs, True)}
        program.settings[page.size] = twin
    assert isinstance(twin, Program)
    return twin


class World:
    """A mapping of huge pages and its tables, and calls of helpers at the page's first entry."""

    def __init__(self, session: Session, batch: Batch, page: Page, where: Layout) -> None:
        self.session, self.page, self.where = session, page, where
        self.mm = session.opaque("vma->vm_mm", "struct mm_struct")
        self.vma = session.opaque("vma", "struct vm_area_struct")
        order = (page.size // session.program.constant("PAGE_SIZE")).bit_length() - 1
        session.do(f"hstate_vma(vma)->order = {order}", vma=("struct vm_area_struct *", self.vma))
        session.do("vma->vm_mm = mm", vma=("struct vm_area_struct *", self.vma), mm=("struct mm_struct *", self.mm))
        entry = linked(session, self.mm, where.addr, batch.table, page.level)
        self.ptep = batch.table.base + where.base
        holder = session.machine.memory.find(number(session, entry))[0]
        is_typed = holder is not None and holder.name.startswith("pgd")  # entries tell their level (s390): nobody walks
        if number(session, entry) != self.ptep and not is_typed:
            raise CannotExecute(f"the {page.level} of an address is not where the tables put it")

    def call(self, name: str, form: Signature | None, ptes: list[Value]) -> Value:
        """Return what helper *name* returns, its arguments by their roles."""
        program = self.session.program
        if form is None:
            definition = program.definition(name)
            if definition is None:
                raise CannotExecute(f"{name}() is not in sight")
            form = signature_of(program, name, definition.type)
        rest, typed = list(ptes), {}
        for at, parameter in enumerate(form.parameters):
            roles: dict[str, Value] = {"vma": self.vma, "mm": self.mm, "addr": self.where.addr, "ptep": self.ptep}
            value = roles.get(parameter.role)
            if parameter.role == "pte":
                value = rest.pop(0)
            elif value is None:
                value = self.page.size if re.fullmatch(r".*si?ze?", parameter.name) else 1
            typed[f"a{at}"] = (parameter.written, value)
        text = f"{name}({', '.join(typed)})"
        if form.returns == "void":
            self.session.do(text, **typed)
            return None
        return self.session.run(text, **typed)
