"""Structs, unions and enums."""

from ptlint.csrc.ast import Enumerator, EnumType, Expr, Member, RecordType, TypedefName
from ptlint.csrc.cparse_attr import Attributes
from ptlint.csrc.cparse_declarator import Declarators


class Records(Declarators):
    """The part of the grammar that reads records and enums."""

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
        for token in self.tokens[index + 1 : index + 6]:
            if token.text == "{":
                return self.tokens[index].kind == "id"
            if token.kind != "id":
                break
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
