"""Inline assembly."""

from ptlint.csrc.ast import Asm, AsmOperand
from ptlint.csrc.cparse_cursor import pos_of
from ptlint.csrc.cparse_type import Types
from ptlint.csrc.literals import string

_QUALIFIERS = frozenset(("volatile", "__volatile", "__volatile__", "goto", "inline", "__inline", "__inline__"))


class Assembly(Types):
    """The part of the grammar that reads inline assembly."""

    def asm(self) -> Asm:
        """Read inline assembly."""
        pos = self.pos
        self.at += 1
        volatile = False
        while self.text in _QUALIFIERS:
            volatile = volatile or "volatile" in self.text
            self.at += 1
        self.expect("(")
        text = self.literal()
        outputs: tuple[AsmOperand, ...] = ()
        inputs: tuple[AsmOperand, ...] = ()
        clobbers: list[str] = []
        labels: list[str] = []
        if self.accept(":"):
            outputs = self.operands()
        if self.accept(":"):
            inputs = self.operands()
        if self.accept(":"):
            while self.tokens[self.at].kind == "str":
                clobbers.append(self.literal().decode("latin-1"))
                if not self.accept(","):
                    break
        if self.accept(":"):
            while self.tokens[self.at].kind == "id":
                labels.append(self.identifier("a label").text)
                if not self.accept(","):
                    break
        self.expect(")")
        self.expect(";")
        return Asm(text, outputs, inputs, tuple(clobbers), tuple(labels), volatile, pos)

    def literal(self) -> bytes:
        """Read string literals that must be there."""
        start = self.at
        while self.tokens[self.at].kind == "str":
            self.at += 1
        if start == self.at:
            raise self.error("expected a string")
        return string(self.tokens[start : self.at], pos_of(self.tokens[start])).value

    def operands(self) -> tuple[AsmOperand, ...]:
        """Read the operands of one section of inline assembly."""
        found: list[AsmOperand] = []
        while self.text not in (":", ")"):
            name = ""
            if self.accept("["):
                name = self.identifier("an operand name").text
                self.expect("]")
            constraint = self.literal().decode("latin-1")
            self.expect("(")
            found.append(AsmOperand(name, constraint, self.expression()))
            self.expect(")")
            if not self.accept(","):
                break
        return tuple(found)
