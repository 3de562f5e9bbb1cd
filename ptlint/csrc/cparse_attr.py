"""Attributes and the kernel's annotations: mostly stepped over, a few change what is declared."""

from dataclasses import dataclass

from ptlint.csrc.ast import Alignof, Expr, IntConst
from ptlint.csrc.cparse_cursor import KEYWORDS
from ptlint.csrc.cparse_expr import Expressions

ATTRIBUTE = frozenset(("__attribute__", "__attribute"))
ASM = frozenset(("asm", "__asm__", "__asm"))

# Annotations as the kernel writes them, for text in which no macro defines them. Others are known by where they stand.
ANNOTATIONS = frozenset(("asmlinkage", "noinline", "noinstr", "notrace", "noinline_for_stack"))

ADDRESS_SPACES = frozenset(("__user", "__kernel", "__iomem", "__rcu", "__percpu", "__force", "__bitwise", "__nocast"))


@dataclass(slots=True)
class Attributes:
    """What attributes said, as far as it matters."""

    packed: bool = False
    align: Expr | None = None
    cleanup: str = ""
    mode: str = ""


class AttributeReader(Expressions):
    """Reads attributes, assembler names and annotations wherever C lets them stand."""

    def attributes(self, found: Attributes, annotations: bool = False) -> None:
        """Step over attributes and assembler names; with *annotations* also names that can be nothing else there."""
        while True:
            text = self.text
            if text in ATTRIBUTE:
                self.at += 1
                self.expect("(")
                self.expect("(")
                while not self.accept(")"):
                    if not self.accept(","):
                        self.attribute(found)
                self.expect(")")
            elif text in ASM and annotations:
                self.at += 1
                self.at = self.closing(self.at) + 1
            elif text == "_Alignas":
                self.at += 1
                self.alignment(found)
            elif annotations and self.is_annotation(self.at):
                self.attribute(found)
            else:
                return

    def is_annotation(self, index: int) -> bool:
        """Return whether token *index* is spelled like an annotation and is no type or object known here."""
        token = self.tokens[index]
        if token.kind != "id" or token.text in KEYWORDS or self.is_typedef(token.text) or self.is_object(token.text):
            return False
        return token.text.startswith("__") or token.text in ANNOTATIONS

    def attribute(self, found: Attributes) -> None:
        """Step over one attribute or annotation with its arguments, and note it if it matters."""
        token = self.tokens[self.at]
        if token.kind != "id":
            raise self.error("expected an attribute")
        self.at += 1
        match token.text.strip("_"):
            case "packed":
                found.packed = True
            case "aligned":
                if self.text == "(":
                    self.alignment(found)
                    return
                found.align = IntConst(self.model.biggest_align, "int", self.pos)
            case "cleanup" if self.text == "(":
                found.cleanup = self.tokens[self.at + 1].text
            case "mode" if self.text == "(":
                found.mode = self.tokens[self.at + 1].text.strip("_")
            case "vector_size":
                raise self.error("vector types are not supported")
        if self.text == "(":
            self.at = self.closing(self.at) + 1

    def alignment(self, found: Attributes) -> None:
        """Read the parenthesised alignment; of two, the later one is kept."""
        self.expect("(")
        if self.starts_type(self.at):
            pos = self.pos
            found.align = Alignof(self.type_name(), pos)
        else:
            found.align = self.conditional()
        self.expect(")")
