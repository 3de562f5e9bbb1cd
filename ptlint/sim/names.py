"""Types, functions and variables of a universe, as code in one of its files sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ptlint.csrc import ast
from ptlint.csrc.ctypes import CInt, CPointer, CRecord, CType, CTypeError, DataModel
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.universe import Universe
from ptlint.sim.blob import WIDEST
from ptlint.sim.errors import CannotExecute, NoMember
from ptlint.sim.localtypes import localised
from ptlint.sim.primitives import KEEP
from ptlint.sim.types import VOID, size_of

if TYPE_CHECKING:
    from ptlint.sim.expressions import Expressions


class Names:
    """What names mean in a universe. ``long`` and ``size_type`` are types of its data model."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.model: DataModel = universe.types.model
        self.long = CInt(self.model.long_size, True, "long")
        self.size_type = CInt(self.model.pointer_size, False, "unsigned long")
        self._pte: CType | None = None
        self._seen_from: dict[str, str] = {}  # a header that only .c files read -> the one it was met in

    def resolve(self, type: ast.Type, expressions: Expressions | None = None) -> CType:
        """Return the type that a written type means; local typedefs of *expressions* come first."""
        if expressions is not None and expressions.scope.in_function:
            type = localised(expressions, type)
        ask = None if expressions is None else expressions.type_of
        try:
            return self.universe.types.resolve(type, ask)
        except CTypeError as error:
            raise CannotExecute(str(error)) from None

    def builtin(self, name: str) -> CType:
        """Return a type of the language."""
        return self.resolve(ast.BuiltinType(name))

    def pointer_to(self, type: CType) -> CPointer:
        """Return the type ``type *``."""
        return CPointer(type, self.model.pointer_size)

    def enum_type(self, value: int) -> CInt:
        """Return the type of an enumerator with this value."""
        if -(1 << 31) <= value < 1 << 31:
            return CInt(4, True, "int")
        return CInt(8, value < 0, "long")

    @property
    def pte_type(self) -> CType | None:
        """Return what ``pte_t`` is here, or None."""
        if self._pte is None and self.universe.typedef("pte_t") is not None:
            self._pte = self.resolve(ast.TypedefName("pte_t"))
        return self._pte

    def enumerator(self, name: str) -> int | None:
        """Return the value of an enumeration constant, or None."""
        return self.universe.enumerator(name)

    def member(self, record: CRecord, name: str) -> tuple[int, CType, tuple[int, int] | None]:
        """Return offset (bytes), type and, for a bit-field, shift and width of a member, also of unnamed ones in it."""
        try:
            found = record.find(name)
        except CTypeError as error:
            raise CannotExecute(str(error)) from None
        if found is None:
            raise NoMember(f"{record} has no member {name}")
        bits = None
        if found.bit_width is not None:
            assert isinstance(found.type, CInt)
            shift = found.bit_offset
            if self.model.big_endian:
                shift = 8 * found.type.size - found.bit_offset - found.bit_width
            bits = (shift, found.bit_width)
        return found.offset, found.type, bits

    def constant_expression(self, expr: ast.Expr, expressions: Expressions) -> int:
        """Return the value of an integer constant expression. Raises CannotExecute when it is none."""
        value = expressions.expr(expr).const
        if value is None:
            raise CannotExecute("a value that is not constant", expr.pos)
        return value

    def align_of(self, type: CType) -> int:
        """Return the alignment of *type* in bytes. Raises CannotExecute when it is not known."""
        try:
            return self.universe.types.align_of(type)
        except CTypeError as error:
            raise CannotExecute(str(error)) from None

    def is_function(self, name: str) -> bool:
        """Return whether *name* is a declared or defined function."""
        found = self.universe.variable(name)
        if found is not None and not isinstance(found[1].type, ast.TypedefName):  # a typedef may be of a function
            return False
        return self.universe.prototype(name) is not None or self.universe.function(name, KEEP) is not None

    def function_type(self, name: str, expressions: Expressions) -> CType:
        """Return the type of a declared or defined function."""
        definition = self.definition(name, expressions.path)
        type = self.prototype(name, expressions.path) if definition is None else definition.type
        return VOID if type is None else self.resolve(type, expressions)

    def definition(self, name: str, caller: str = "") -> ast.FunctionDef | None:
        """Return the definition that a call of *name* in the file *caller* runs."""
        caller = self._seen_from.get(caller, caller)
        if not caller.endswith(".c"):
            return self.universe.function(name, KEEP)
        found = self.universe.in_file(caller).function(name, KEEP)
        if (
            found is not None
            and not found.pos.path.endswith(".c")
            and not self.universe.headers.sites(name, "function")
        ):
            self._seen_from.setdefault(found.pos.path, caller)
        return found

    def prototype(self, name: str, caller: str = "") -> ast.FunctionType | None:
        """Return the type of function *name* as code in the file *caller* sees it declared, or None."""
        caller = self._seen_from.get(caller, caller)
        if caller.endswith(".c"):
            return self.universe.in_file(caller).prototype(name)
        return self.universe.prototype(name)

    def macro(self, name: str, caller: str = "") -> Macro | None:
        """Return the macro *name* as code in the file *caller* sees it at its end, or None."""
        caller = self._seen_from.get(caller, caller)
        if caller.endswith(".c"):
            return self.universe.in_file(caller).macro(name) or self.universe.macro(name)
        return self.universe.macro(name)

    def variable(self, name: str, caller: str = "") -> ast.Declarator | None:
        """Return the declaration of a file-scope variable as code in *caller* sees it, the definition if in sight."""
        found = self._variable(name, caller)
        return None if found is None else found[1]

    def unreadable(self, name: str) -> str:
        """Return why the definition of a function that the tree has cannot be read, empty when it has none."""
        site = self.universe.site_of(name)
        if site is None:
            return ""
        path = site.instance.path
        reasons = [what for span, what in self.universe.not_understood if span.path == path and span.line >= site.line]
        return reasons[0] if reasons else f"its text in {path} is not understood"

    def shared_name(self, name: str, caller: str = "") -> str:
        """Return what the object of a file-scope variable is called: a static one of a ``.c`` file has its own."""
        found = self._variable(name, caller)
        if found is not None and "static" in found[0].storage and found[1].pos.path.endswith(".c"):
            return f"{name} of {found[1].pos.path}"
        return name

    def is_extern(self, name: str, caller: str = "") -> bool:
        """Return whether the start value of a variable is not known: it is defined elsewhere, or a register of the CPU.

        Alpha keeps ``__current_thread_info`` in one.
        """
        found = self._variable(name, caller)
        return found is None or (bool({"extern", "register"} & set(found[0].storage)) and found[1].init is None)

    def _variable(self, name: str, caller: str) -> tuple[ast.Declaration, ast.Declarator] | None:
        found = None
        caller = self._seen_from.get(caller, caller)
        if caller.endswith(".c"):
            found = self.universe.in_file(caller).variable(name)
            if found is not None and "static" in found[0].storage:
                return found
        if found is None or found[1].init is None:
            found = self.universe.variable(name) or found
        return found

    @property
    def pte_size(self) -> int:
        """Return the bytes from an entry to the next. Raises CannotExecute without an MMU, and as ``pte_word`` does."""
        if not self.universe.profile.is_set("MMU"):
            raise CannotExecute("the configuration has no MMU")
        type = self.pte_type
        if type is None:
            raise CannotExecute("the tree does not define pte_t")
        return self.pte_word * word_count(type)

    @property
    def pte_word(self) -> int:
        """Return the bytes of what an entry says: all of it, or its first word where the others repeat that.

        Raises CannotExecute above 64 bits, unless an entry is a few words of one type (powerpc 8xx, where one of 16 KiB
        is four of the hardware's).
        """
        type = self.pte_type
        if type is None:
            raise CannotExecute("the tree does not define pte_t")
        size = size_of(type) // word_count(type)
        if size not in (4, 8):
            raise CannotExecute(f"entries of {size} bytes: more than the 64 bits that are modelled")
        return size

    @property
    def pte_is_record(self) -> bool:
        """Return whether ``pte_t`` is a structure or union."""
        return isinstance(self.pte_type, CRecord)


def word_count(type: CType) -> int:
    """Return how many words an entry of this type repeats: 1 for any of at most 64 bits."""
    if not isinstance(type, CRecord) or type.kind != "struct" or size_of(type) <= WIDEST:
        return 1
    kinds = {field.type for field in type.fields}
    is_uniform = len(kinds) == 1 and all(isinstance(kind, CInt) for kind in kinds)
    return len(type.fields) if is_uniform else 1
