"""Declaration specifiers, and what begins a type."""

from ptlint.csrc.ast import (
    BuiltinType,
    Type,
    TypedefName,
    TypeofExpr,
)
from ptlint.csrc.cparse_attr import ADDRESS_SPACES, ATTRIBUTE, Attributes
from ptlint.csrc.cparse_cursor import KEYWORDS
from ptlint.csrc.cparse_record import Records

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
TYPE_WORDS = frozenset(_WORDS) | _TYPEOF | _RECORDS | {"enum", "__auto_type", "_Atomic", "_Complex", "__complex__"}

AUTO = BuiltinType("__auto_type")
"""Stands for the type of the initialiser until the declarator is read."""


class Types(Records):
    """The part of the grammar that reads specifiers."""

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
