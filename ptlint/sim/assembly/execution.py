"""One run of inline assembly: operands, registers and memory as its instructions see them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from ptlint.sim.assembly.template import Argument
from ptlint.sim.errors import CannotExecute
from ptlint.sim.machine import Machine
from ptlint.sim.values import Scalar, arithmetic, narrow

Step = Callable[["Execution", tuple[Argument, ...]], None]


class Execution:
    """``values`` are the operands' values by number, ``sizes`` their bytes, ``places`` the addresses of memory ones.

    ``width`` is the size of a register in bytes. Between a load-reserved and its store-conditional nothing comes
    between: the pair is one atomic step and the store succeeds.
    """

    def __init__(
        self,
        machine: Machine,
        values: list[Scalar | None],
        sizes: list[int],
        places: dict[int, Scalar],
    ) -> None:
        self.machine = machine
        self.values = values
        self.sizes = sizes
        self.places = places
        self.width = machine.memory.pointer_size
        self.registers: dict[str, Scalar] = {}
        self.reserved: ExitStack | None = None

    def get(self, arg: Argument) -> Scalar:
        """Return what an argument stands for: half of a pair where the operand is wider than a register."""
        match arg.kind:
            case "number":
                return narrow(arg.number, self.width, False)
            case "register":
                if arg.form not in self.registers:
                    raise CannotExecute(f"inline assembly reads register {arg.form}")
                return self.registers[arg.form]
            case "operand":
                value = self.values[arg.index]
                if value is None:
                    raise CannotExecute(f"inline assembly reads %{arg.index} before it is set")
                if self.sizes[arg.index] <= self.width:
                    return narrow(value, self.width, False)
                return self._half(value, arg)
        raise CannotExecute("inline assembly with an argument that has no value")

    def _half(self, value: Scalar, arg: Argument) -> Scalar:
        wide = self.sizes[arg.index]
        shift = 0 if self._is_low(arg) else 8 * self.width
        return narrow(arithmetic(">>", narrow(value, wide, False), shift, wide, False), self.width, False)

    def _is_low(self, arg: Argument) -> bool:
        """Return whether an argument names the register with the low half: ``%L0``, or the first of little-endian."""
        return arg.form == "L" or not self.machine.memory.big_endian

    def set(self, arg: Argument, value: Scalar) -> None:
        """Set an operand, or its half."""
        if arg.kind == "register":
            self.registers[arg.form] = value
            return
        if arg.kind != "operand":
            raise CannotExecute("inline assembly that sets what is no register")
        wide = self.sizes[arg.index]
        if wide > self.width:
            old = self.values[arg.index] or 0
            low = (1 << 8 * self.width) - 1
            keep, shift = (low << 8 * self.width, 0) if self._is_low(arg) else (low, 8 * self.width)
            value = arithmetic("<<", narrow(value, wide, False), shift, wide, False)
            value = arithmetic("|", arithmetic("&", narrow(old, wide, False), keep, wide, False), value, wide, False)
        self.values[arg.index] = narrow(value, wide, False)

    def address(self, args: tuple[Argument, ...]) -> Scalar:
        """Return the address that the last arguments of a load or store give: one operand in memory, or a sum."""
        if len(args) == 1:
            arg = args[0]
            if arg.kind == "memory":
                assert arg.inner is not None
                return arithmetic("+", self.get(arg.inner), narrow(arg.number, self.width, False), self.width, False)
            if arg.kind == "operand" and arg.index in self.places:
                return self.places[arg.index]
            return self.get(arg)
        return arithmetic("+", self.get(args[0]), self.get(args[1]), self.width, False)

    def load(self, args: tuple[Argument, ...], size: int) -> Scalar:
        """Return *size* bytes of memory."""
        return self.machine.load(self.address(args), size, False)

    def store(self, args: tuple[Argument, ...], size: int, value: Scalar) -> None:
        """Store *size* bytes to memory."""
        self.machine.store(self.address(args), size, value)

    def reserve(self, args: tuple[Argument, ...], size: int) -> Scalar:
        """Begin an atomic step with a load."""
        self.release()
        self.reserved = ExitStack()
        self.reserved.enter_context(self.machine.atomic(self.address(args), size))
        return self.load(args, size)

    def conditional(self, args: tuple[Argument, ...], size: int, value: Scalar) -> None:
        """End an atomic step with a store."""
        if self.reserved is None:
            raise CannotExecute("a store-conditional without its load in inline assembly")
        self.store(args, size, value)
        self.release()

    def release(self) -> None:
        """End an atomic step that is under way."""
        if self.reserved is not None:
            self.reserved.close()
            self.reserved = None


def operation(op: str, invert: bool = False) -> Step:
    """Return an instruction ``d = a op b`` (``a op ~b``); arguments in the order destination, a, b."""

    def step(run: Execution, args: tuple[Argument, ...]) -> None:
        target, left, right = args
        value = run.get(right)
        if invert:
            value = arithmetic("^", value, (1 << 8 * run.width) - 1, run.width, False)
        run.set(target, arithmetic(op, run.get(left), value, run.width, False))

    return step


def nothing(_run: Execution, _args: tuple[Argument, ...]) -> None:
    """An instruction that orders or waits."""
