"""Types as written: specifiers, records, enums and declarators."""

from ptlint.csrc.ast import (
    ArrayType,
    BuiltinType,
    Enumerator,
    EnumType,
    Expr,
    FunctionType,
    Member,
    Param,
    PointerType,
    Pos,
    RecordType,
    Type,
    TypedefName,
    TypeofExpr,
)
from ptlint.csrc.cparse_attr import ATTRIBUTE, AttributeReader, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS, pos_of
from ptlint.csrc.tokens import Token

STORAGE = {
    "static": "static", "extern": "extern", "typedef": "typedef", "register": "register", "auto": "",
    "inline": "inline", "__inline": "inline", "__inline__": "inline",
    "_Thread_local": "_Thread_local", "__thread": "_Thread_local",
}  # fmt: skip
_TYPEOF = frozenset(("typeof", "__typeof__", "__typeof", "typeof_unqual", "__typeof_unqual__"))
_WORDS = {
    "void": "void", "char": "char", "short": "short", "int": "int", "long": "long", "signed": "signed",
    "__signed__": "signed", "__signed": "signed", "unsigned": "unsigned", "_Bool": "_Bool", "float": "float",
    "double": "double", "__int128": "__int128",
}  # fmt: skip
_TYPEDEFS = {"__int128_t": "__int128", "__uint128_t": "unsigned __int128", "__builtin_va_list": "__builtin_va_list"}
_MODES = {
    "QI": "char",
    "HI": "short",
    "SI": "int",
    "DI": "long long",
    "TI": "__int128",
    "word": "long",
    "pointer": "long",
}
_RECORDS = frozenset(("struct", "union"))
ADDRESS_SPACES = frozenset(("__user", "__kernel", "__iomem", "__rcu", "__percpu", "__force", "__bitwise", "__nocast"))
TYPE_WORDS = frozenset(_WORDS) | _TYPEOF | _RECORDS | {"enum", "__auto_type", "_Atomic", "_Complex", "__complex__"}

AUTO = BuiltinType("__auto_type")
"""Stands for the type of the initialiser until the declarator is read."""


class Types(AttributeReader):
    """The part of the grammar that reads types and declarators."""

    # --- what begins a type

    def starts_type(self, index: int) -> bool:
        """Return whether a type name begins at token *index*; an unknown name counts where it can be nothing else."""
        token = self.tokens[index]
        if token.kind != "id":
            return False
        if token.text in TYPE_WORDS or token.text in ATTRIBUTE:
            return True
        if token.text in KEYWORDS:
            return False
        return self.is_typedef(token.text) or self._unknown_pointer(index) == ")"

    def _unknown_pointer(self, index: int) -> str:
        # For ``name * *`` the text behind the stars, when name is unknown and stars follow; else nothing.
        token = self.tokens[index]
        after = index + 1
        if self.tokens[after].text != "*" or self.is_object(token.text):
            return ""
        while self.tokens[after].text == "*" or self.is_annotation(after):
            after += 1
        return self.tokens[after].text

    def is_cast(self) -> bool:
        """Return whether the parenthesis that is next encloses a type name."""
        inner = self.at + 1
        token = self.tokens[inner]
        if token.kind != "id":
            return False
        if self.starts_type(inner):
            return True
        behind = self.tokens[inner + 2]
        if self.tokens[inner + 1].text != ")" or token.text in KEYWORDS or self.is_object(token.text):
            return False
        if behind.kind in ("num", "str", "char") or behind.text in ("~", "{"):
            return True
        if behind.kind == "id":
            return behind.text not in KEYWORDS or behind.text == "sizeof"
        return token.text.endswith("_t") and behind.text in ("(", "&", "*", "-", "+")

    # --- specifiers

    def specifiers(self, storage: set[str], found: Attributes) -> Type:
        """Read declaration specifiers; storage classes go to *storage*, attributes to *found*."""
        words: list[str] = []
        type_: Type | None = None
        while True:
            token = self.tokens[self.at]
            text = token.text
            if text in STORAGE:
                self.at += 1
                storage.add(STORAGE[text])
            elif text in _WORDS and type_ is None:
                self.at += 1
                words.append(_WORDS[text])
            elif text in ATTRIBUTE or text == "_Alignas":
                self.attributes(found)
            elif text == "_Atomic":
                self.at += 1
                if self.text == "(" and type_ is None and not words:
                    type_ = self._typeof()
            elif token.kind != "id" or (text in KEYWORDS and text not in TYPE_WORDS):
                break
            elif type_ is None and not words and not self._annotates_a_type(self.at):
                type_ = self._specifier(text)
            elif (type_ is not None or words) and not self._annotates_a_declarator(self.at):
                break
            else:
                self.attribute(found)
        if type_ is None:
            type_ = BuiltinType(self._builtin(words))
        storage.discard("")
        return self._with_mode(type_, found.mode) if found.mode else type_

    def _specifier(self, text: str) -> Type:
        if text in _RECORDS:
            return self.record()
        if text == "enum":
            return self.enum()
        if text in _TYPEOF:
            self.at += 1
            return self._typeof()
        if text == "__auto_type":
            self.at += 1
            return AUTO
        if text in _TYPEDEFS:
            self.at += 1
            return BuiltinType(_TYPEDEFS[text])
        if text == "bool" and not self.is_typedef(text):
            self.at += 1
            return BuiltinType("_Bool")
        following = self.tokens[self.at + 1]
        if not self.is_typedef(text) and (text in KEYWORDS or following.text in ("(", "=", ";", "[", "{")):
            raise self.error("expected a type")
        self.at += 1
        return TypedefName(text)

    def _annotates_a_type(self, index: int) -> bool:
        # An unknown name in front of what is surely a type (or of another specifier) is an annotation.
        token = self.tokens[index]
        if token.text in TYPE_WORDS or self.is_typedef(token.text) or token.text in _TYPEDEFS:
            return False
        after = index + 1
        if self.tokens[after].text == "(":
            if not self.is_annotation(index):
                return False
            after = self.closing(after) + 1
        behind = self.tokens[after]
        if behind.kind != "id":
            return False
        if behind.text in TYPE_WORDS or behind.text in STORAGE or self.is_typedef(behind.text):
            return True
        third = self.tokens[after + 1]
        return self.is_annotation(index) and behind.text not in KEYWORDS and (third.kind == "id" or third.text == "*")

    def _annotates_a_declarator(self, index: int) -> bool:
        # Behind a type, a name spelled like an annotation and followed by a name or a star is no declarator.
        if not self.is_annotation(index):
            return False
        behind = self.tokens[index + 1]
        if behind.text == "(":
            behind = self.tokens[self.closing(index + 1) + 1]
            return behind.text == "*" or (behind.kind == "id" and not behind.text.startswith("__"))
        if behind.text == "*" or (behind.kind == "id" and behind.text not in KEYWORDS):
            return True
        return self.tokens[index].text in ADDRESS_SPACES or behind.text in TYPE_WORDS

    def _typeof(self) -> Type:
        self.expect("(")
        self.enter()
        type_: Type
        if self.starts_type(self.at):
            type_ = self.type_name()
        else:
            type_ = TypeofExpr(self.expression())
        self.depth -= 1
        self.expect(")")
        return type_

    def _builtin(self, words: list[str]) -> str:
        if not words:
            raise self.error("expected a type")
        name = _BUILTINS.get(" ".join(sorted(words)))
        if name is None:
            raise self.error(f"{' '.join(words)!r} is no type")
        return name

    def _with_mode(self, type_: Type, mode: str) -> Type:
        if mode not in _MODES or not isinstance(type_, BuiltinType):
            raise self.error(f"mode {mode!r} is not supported here")
        name = _MODES[mode]
        if type_.name.startswith("unsigned"):
            return BuiltinType(f"unsigned {name}")
        return BuiltinType("signed char" if name == "char" else name)

    # --- records and enums

    def record(self) -> RecordType:
        """Read a struct or union specifier."""
        pos = self.pos
        kind = self.tokens[self.at].text
        self.at += 1
        found = Attributes()
        self.attributes(found)
        while self.is_annotation(self.at) and self._is_before_tag(self.at + 1):
            self.attribute(found)
        tag = None
        if self.text != "{":
            tag = self.identifier("a tag").text
        if self.text != "{":
            return RecordType(kind, tag, pos=pos)
        self.at += 1
        self.enter()
        members: list[Member] = []
        while not self.accept("}"):
            members += self.members()
        self.depth -= 1
        self._trailing_attributes(found)
        return RecordType(kind, tag, tuple(members), found.packed, found.align, pos)

    def _is_before_tag(self, index: int) -> bool:
        # Only a definition tells an annotation from a tag: ``struct __packed s {`` but ``struct __s name``.
        while self.tokens[index].kind == "id":
            index += 1
            if self.tokens[index].text == "{":
                return True
        return False

    def _trailing_attributes(self, found: Attributes) -> None:
        # Behind a closing brace an annotation may be the last thing; a lone unknown name there is a declarator.
        self.attributes(found)
        while self.is_annotation(self.at) and (
            self.text.strip("_") in ("packed", "aligned", "randomize_layout", "no_randomize_layout")
            or "cacheline" in self.text
            or self.tokens[self.at + 1].kind == "id"
        ):
            self.attribute(found)
            self.attributes(found)

    def members(self) -> list[Member]:
        """Read one member declaration."""
        if self.accept(";"):
            return []
        if self.text == "_Static_assert":
            self.at = self.closing(self.at + 1) + 1
            self.expect(";")
            return []
        shared = Attributes()
        base = self.specifiers(set(), shared)
        members: list[Member] = []
        if self.text == ";" and isinstance(base, RecordType | TypedefName):
            members.append(Member(None, base, None, shared.align, shared.packed))
        while self.text != ";":
            found = Attributes(shared.packed, shared.align)
            name: str | None = None
            type_ = base
            if self.text != ":":
                token, type_ = self.declarator(base, found)
                if token is None:
                    raise self.error("expected a member name")
                name = token.text
            bits: Expr | None = None
            if self.accept(":"):
                bits = self.conditional()
            self.attributes(found, annotations=True)
            members.append(Member(name, type_, bits, found.align, found.packed))
            if not self.accept(","):
                break
        self.expect(";")
        return members

    def enum(self) -> EnumType:
        """Read an enum specifier."""
        pos = self.pos
        self.at += 1
        found = Attributes()
        self.attributes(found)
        tag = None
        if self.text != "{":
            tag = self.identifier("a tag").text
        if self.text != "{":
            return EnumType(tag, pos=pos)
        self.at += 1
        members: list[Enumerator] = []
        while not self.accept("}"):
            name = self.identifier("an enumerator").text
            self.attributes(Attributes(), annotations=True)
            value = self.conditional() if self.accept("=") else None
            self.declare(name, False)
            members.append(Enumerator(name, value))
            if not self.accept(","):
                self.expect("}")
                break
        self._trailing_attributes(found)
        return EnumType(tag, tuple(members), pos, found.packed)

    # --- declarators

    def type_name(self) -> Type:
        """Read a type without a declared name."""
        found = Attributes()
        base = self.specifiers(set(), found)
        name, type_ = self.declarator(base, found)
        if name is not None:
            raise self.error("a type name cannot declare")
        return type_

    def declarator(self, base: Type, found: Attributes) -> tuple[Token | None, Type]:
        """Read a declarator over *base*; the name is None when there is none."""
        while True:
            if self.accept("*"):
                base = PointerType(base)
            elif self.text in ATTRIBUTE:
                self.attributes(found)
            elif isinstance(base, PointerType) and self._annotates_a_pointer():
                self.attribute(found)
            elif self.text == "_Atomic":
                self.at += 1
            else:
                break
        self.enter()
        name: Token | None = None
        if self.text == "(" and self._nests():
            start = self.at
            self.at = self.closing(start) + 1
            outer = self.suffixes(base)
            end, self.at = self.at, start + 1
            name, base = self.declarator(outer, found)
            self.expect(")")
            self.at = end
        else:
            token = self.tokens[self.at]
            if token.kind == "id" and token.text not in KEYWORDS:
                name = token
                self.at += 1
            base = self.suffixes(base)
        self.depth -= 1
        return name, base

    def _annotates_a_pointer(self) -> bool:
        following = self.tokens[self.at + 1]
        if not self.is_annotation(self.at):
            return False
        if self.text in ADDRESS_SPACES or following.text == "*":
            return True
        return following.kind == "id" and following.text not in KEYWORDS  # ``*__name __attribute__((…))`` is a name

    def _nests(self) -> bool:
        # Whether the parenthesis holds a declarator and not parameters.
        token = self.tokens[self.at + 1]
        if token.text in ("*", "(", "[") or token.text in ATTRIBUTE:
            return True
        if token.kind != "id" or token.text in KEYWORDS or self.is_typedef(token.text):
            return False
        following = self.tokens[self.at + 2]
        return following.text in (")", "[", "(", "*") or (self.is_annotation(self.at + 1) and following.kind == "id")

    def suffixes(self, base: Type) -> Type:
        """Read the array bounds and parameters behind a declarator."""
        if self.text == "(":
            self.enter()
            function = self.parameters(base)
            self.depth -= 1
            return function
        if self.text != "[":
            return base
        self.at += 1
        self.enter()
        self.accept("static")
        size: Expr | None = None
        if self.text == "*" and self.tokens[self.at + 1].text == "]":
            self.at += 1
        elif self.text != "]":
            size = self.assignment()
        self.expect("]")
        inner = self.suffixes(base)
        self.depth -= 1
        return ArrayType(inner, size)

    def parameters(self, ret: Type) -> FunctionType:
        """Read a parameter list. Arrays and functions become the pointers that C makes of them."""
        self.expect("(")
        if self.accept(")"):
            return FunctionType(ret, (), oldstyle=True)
        if self.text == "void" and self.tokens[self.at + 1].text == ")":
            self.at += 2
            return FunctionType(ret, ())
        self.push_scope()
        params: list[Param] = []
        variadic = False
        while True:
            if self.accept("..."):
                variadic = True
                break
            params.append(self.parameter())
            if not self.accept(","):
                break
        self.expect(")")
        self.pop_scope()
        return FunctionType(ret, tuple(params), variadic)

    def parameter(self) -> Param:
        """Read one parameter."""
        pos: Pos = self.pos
        found = Attributes()
        base = self.specifiers(set(), found)
        name, type_ = self.declarator(base, found)
        self.attributes(found, annotations=True)
        if isinstance(type_, ArrayType):
            type_ = PointerType(type_.of)
        elif isinstance(type_, FunctionType):
            type_ = PointerType(type_)
        if name is not None:
            self.declare(name.text, False)
            pos = pos_of(name)
        return Param(name.text if name else None, type_, pos)


def _spellings() -> dict[str, str]:
    # Every order of the words of each builtin type, keyed by the sorted words.
    table: dict[str, str] = {}
    for name in ("void", "_Bool", "float", "double", "char", "signed char", "unsigned char", "long double", "__int128"):
        table[" ".join(sorted(name.split()))] = name
    table["__int128 signed"], table["__int128 unsigned"] = "__int128", "unsigned __int128"
    for size in ("short", "", "long", "long long"):
        for sign in ("", "signed", "unsigned"):
            for optional in ("", "int"):
                words = sorted(f"{size} {sign} {optional}".split())
                if words:
                    prefix = "unsigned " if sign == "unsigned" else ""
                    table[" ".join(words)] = prefix + (size or "int")
    return table


_BUILTINS = _spellings()
