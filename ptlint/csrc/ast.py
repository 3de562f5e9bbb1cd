"""The syntax of C after macro expansion: what ``csrc.cparse`` makes and the call model, passes and simulator read.

Types here are as written (``TypedefName``, ``TypeofExpr``); ``csrc.ctypes`` resolves them. Every node carries the
position of the token it begins with; for a token that a macro produced that is the place of the outermost use.
"""

from dataclasses import dataclass, field
from typing import NamedTuple


class Pos(NamedTuple):
    """A place in a source file. ``macro`` names the outermost macro whose expansion produced the token."""

    path: str
    line: int
    column: int
    macro: str = ""


NOWHERE = Pos("", 0, 0)


# --- types as written -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BuiltinType:
    """A type of the language under its canonical name.

    One of ``void _Bool char``, ``signed char``, ``unsigned char``, ``short``, ``unsigned short``, ``int``,
    ``unsigned int``, ``long``, ``unsigned long``, ``long long``, ``unsigned long long``, ``__int128``,
    ``unsigned __int128``, ``float``, ``double``, ``long double``, ``__builtin_va_list``.
    """

    name: str


@dataclass(frozen=True, slots=True)
class TypedefName:
    """A name that a typedef gave."""

    name: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a struct or union. ``name`` is None for an unnamed struct, union or bit-field."""

    name: str | None
    type: "Type"
    bits: "Expr | None" = None
    align: "Expr | None" = None
    packed: bool = False


@dataclass(frozen=True, slots=True)
class RecordType:
    """A struct or union. ``members`` is None when only the tag is named; ``tag`` is None when unnamed."""

    kind: str
    tag: str | None
    members: tuple[Member, ...] | None = None
    packed: bool = False
    align: "Expr | None" = None
    pos: Pos = NOWHERE


@dataclass(frozen=True, slots=True)
class Enumerator:
    """A constant of an enum; ``value`` is None for one more than the constant before."""

    name: str
    value: "Expr | None"


@dataclass(frozen=True, slots=True)
class EnumType:
    """An enum. ``members`` is None when only the tag is named."""

    tag: str | None
    members: tuple[Enumerator, ...] | None = None
    pos: Pos = NOWHERE
    packed: bool = False


@dataclass(frozen=True, slots=True)
class PointerType:
    """A pointer."""

    to: "Type"


@dataclass(frozen=True, slots=True)
class ArrayType:
    """An array; ``size`` is None for ``[]``."""

    of: "Type"
    size: "Expr | None"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter. ``name`` is None when a prototype leaves it out."""

    name: str | None
    type: "Type"
    pos: Pos = NOWHERE


@dataclass(frozen=True, slots=True)
class FunctionType:
    """A function. ``params`` is empty for ``(void)``; ``oldstyle`` marks ``()``."""

    ret: "Type"
    params: tuple[Param, ...]
    variadic: bool = False
    oldstyle: bool = False


@dataclass(frozen=True, slots=True)
class TypeofExpr:
    """``typeof(expression)`` and ``__auto_type`` (whose expression is the initialiser)."""

    expr: "Expr"


Type = (
    BuiltinType | TypedefName | RecordType | EnumType | PointerType | ArrayType | FunctionType | TypeofExpr
)  # typeof(type) is the type itself; qualifiers carry nothing that ptlint asks for and are dropped


# --- expressions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IntConst:
    """An integer or character constant with the type C gives it (BuiltinType name, by value and suffix)."""

    value: int
    type: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class StrConst:
    """String literals, joined, escapes decoded. ``width`` is the bytes of one (little-endian) unit."""

    value: bytes
    pos: Pos
    width: int = 1


@dataclass(frozen=True, slots=True)
class FloatConst:
    """A floating constant: the kernel has next to none; the simulator refuses them."""

    text: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, parameter, function or enumerator."""

    name: str
    pos: Pos


@dataclass(frozen=True, slots=True)
class Unary:
    """``+ - ! ~ * &`` and ``__real__``-free: ``op`` is the sign."""

    op: str
    operand: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class IncDec:
    """``++`` or ``--``."""

    op: str
    prefix: bool
    operand: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Binary:
    """``* / % + - << >> < > <= >= == != & ^ | && ||``."""

    op: str
    left: "Expr"
    right: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Assign:
    """``=`` (``op`` empty) or a compound assignment (``op`` is ``+``, ``|``, ``<<`` …)."""

    op: str
    target: "Expr"
    value: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Conditional:
    """``a ? b : c``; ``then`` is None for ``a ?: c``."""

    cond: "Expr"
    then: "Expr | None"
    other: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Comma:
    """``a, b``."""

    left: "Expr"
    right: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Cast:
    """``(type)value``."""

    type: Type
    value: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class CompoundLiteral:
    """``(type){ … }``."""

    type: Type
    init: "InitList"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Call:
    """A call. A macro on the keep list is a call of that name; its type arguments are TypeArg."""

    function: "Expr"
    args: tuple["Expr", ...]
    pos: Pos


@dataclass(frozen=True, slots=True)
class TypeArg:
    """A type where an expression stands: an argument of a kept macro, ``va_arg``, ``__builtin_types_compatible_p``."""

    type: Type
    pos: Pos


@dataclass(frozen=True, slots=True)
class Index:
    """``base[index]``."""

    base: "Expr"
    index: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class MemberAccess:
    """``base.name`` or, with ``arrow``, ``base->name``."""

    base: "Expr"
    name: str
    arrow: bool
    pos: Pos


@dataclass(frozen=True, slots=True)
class SizeofType:
    """``sizeof(type)``."""

    type: Type
    pos: Pos


@dataclass(frozen=True, slots=True)
class SizeofExpr:
    """``sizeof expression``."""

    operand: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Alignof:
    """``__alignof__``, ``_Alignof``: of a type, or of an expression's type."""

    of: "Type | Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class StmtExpr:
    """``({ … })``."""

    body: "Block"
    pos: Pos


@dataclass(frozen=True, slots=True)
class GenericSelection:
    """``_Generic``: ``default`` has type None."""

    control: "Expr"
    choices: tuple[tuple[Type | None, "Expr"], ...]
    pos: Pos


@dataclass(frozen=True, slots=True)
class Offsetof:
    """``__builtin_offsetof(type, path)``: the path as an expression over an imaginary object named ``""``."""

    type: Type
    path: "Expr"
    pos: Pos


@dataclass(frozen=True, slots=True)
class LabelAddress:
    """``&&label``."""

    label: str
    pos: Pos


Expr = (
    IntConst
    | StrConst
    | FloatConst
    | Name
    | Unary
    | IncDec
    | Binary
    | Assign
    | Conditional
    | Comma
    | Cast
    | CompoundLiteral
    | Call
    | TypeArg
    | Index
    | MemberAccess
    | SizeofType
    | SizeofExpr
    | Alignof
    | StmtExpr
    | GenericSelection
    | Offsetof
    | LabelAddress
)


# --- initialisers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Designator:
    """``.name`` (``index`` None) or ``[index]`` / ``[index ... last]``."""

    name: str | None = None
    index: "Expr | None" = None
    last: "Expr | None" = None


@dataclass(frozen=True, slots=True)
class InitItem:
    """One initialiser of a list with its designators, outermost first."""

    designators: tuple[Designator, ...]
    value: "Expr | InitList"


@dataclass(frozen=True, slots=True)
class InitList:
    """``{ … }``."""

    items: tuple[InitItem, ...]
    pos: Pos


# --- declarations and statements --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Declarator:
    """One declared name. ``cleanup`` is the function of ``__attribute__((cleanup(f)))``, if any."""

    name: str
    type: Type
    init: "Expr | InitList | None"
    pos: Pos
    cleanup: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A declaration. ``storage`` holds ``static extern typedef inline register _Thread_local`` as written.

    ``type`` is the base type: a record or enum defined here without a declarator still stands in it.
    """

    storage: frozenset[str]
    type: Type
    declarators: tuple[Declarator, ...]
    pos: Pos


@dataclass(frozen=True, slots=True)
class ExprStmt:
    """An expression and its ``;``. ``expr`` is None for an empty statement."""

    expr: Expr | None
    pos: Pos


@dataclass(frozen=True, slots=True)
class Block:
    """``{ … }``. ``end`` is the closing brace."""

    items: tuple["Stmt", ...]
    pos: Pos
    end: Pos = NOWHERE


@dataclass(frozen=True, slots=True)
class If:
    """``if``."""

    cond: Expr
    then: "Stmt"
    other: "Stmt | None"
    pos: Pos


@dataclass(frozen=True, slots=True)
class While:
    """``while``, or with ``do`` set ``do … while``."""

    cond: Expr
    body: "Stmt"
    do: bool
    pos: Pos


@dataclass(frozen=True, slots=True)
class For:
    """``for``. ``init`` is a declaration, an expression or None."""

    init: "Declaration | Expr | None"
    cond: Expr | None
    step: Expr | None
    body: "Stmt"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Switch:
    """``switch``; its cases are Case and Default statements inside ``body``."""

    cond: Expr
    body: "Stmt"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Case:
    """``case low:`` or ``case low ... high:`` and the statement it labels."""

    low: Expr
    high: Expr | None
    body: "Stmt"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Default:
    """``default:`` and the statement it labels."""

    body: "Stmt"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Label:
    """``name:`` and the statement it labels."""

    name: str
    body: "Stmt"
    pos: Pos


@dataclass(frozen=True, slots=True)
class Goto:
    """``goto label``; ``computed`` is set for ``goto *expr``."""

    label: str
    pos: Pos
    computed: Expr | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """``break``."""

    pos: Pos


@dataclass(frozen=True, slots=True)
class Continue:
    """``continue``."""

    pos: Pos


@dataclass(frozen=True, slots=True)
class Return:
    """``return``."""

    value: Expr | None
    pos: Pos


@dataclass(frozen=True, slots=True)
class AsmOperand:
    """An operand of inline assembly."""

    name: str
    constraint: str
    expr: Expr


@dataclass(frozen=True, slots=True)
class Asm:
    """Inline assembly. ``labels`` are those of ``asm goto``."""

    text: bytes
    outputs: tuple[AsmOperand, ...]
    inputs: tuple[AsmOperand, ...]
    clobbers: tuple[str, ...]
    labels: tuple[str, ...]
    volatile: bool
    pos: Pos


@dataclass(frozen=True, slots=True)
class StaticAssert:
    """``_Static_assert``."""

    cond: Expr
    pos: Pos


@dataclass(frozen=True, slots=True)
class NestedFunction:
    """A function defined inside a function (GNU C): the simulator refuses it."""

    function: "FunctionDef"
    pos: Pos


Stmt = (
    Declaration
    | ExprStmt
    | Block
    | If
    | While
    | For
    | Switch
    | Case
    | Default
    | Label
    | Goto
    | Break
    | Continue
    | Return
    | Asm
    | StaticAssert
    | NestedFunction
)


@dataclass(frozen=True, slots=True)
class FunctionDef:
    """A function with its body. ``end`` is the closing brace; ``storage`` as in Declaration.

    ``macros`` are the names of all macros that were expanded in it (what the body depends on besides its text).
    """

    name: str
    type: FunctionType
    body: Block
    storage: frozenset[str]
    pos: Pos
    end: Pos
    macros: frozenset[str] = field(default_factory=frozenset)


External = FunctionDef | Declaration | Asm | StaticAssert
