"""What a function's expanded body says by itself, whatever universe it is read in: calls, tables, uses of parameters.

The parsed body of a helper is one object for all profiles in which it expands to the same, so this is found once.
"""

from dataclasses import dataclass

from ptlint.csrc.ast import Asm, Assign, Call, Cast, Declaration, FunctionDef, MemberAccess, Name
from ptlint.csrc.nodes import nodes, parts_of

MAX_BODIES = 20_000


@dataclass(frozen=True, slots=True)
class Use:
    """What becomes of a parameter: ``is_read`` for itself, or ``passed`` on, unchanged, to (function, argument)."""

    is_read: bool
    passed: tuple[tuple[str, int], ...] = ()


class Body:
    """The facts of one body.

    ``calls`` are, in the order of its text, what it calls and the fields of named objects that it reaches into:
    (function, "", line) or ("", ``table.member.field``, line).
    """

    def __init__(self, function: FunctionDef) -> None:
        self.function = function
        found = nodes(function.body)
        local = {param.name for param in function.type.params if param.name}
        for node in found:
            if type(node) is Declaration:
                local.update(one.name for one in node.declarators)
        calls: list[tuple[str, str, int]] = []
        for node in found:
            if type(node) is Call:
                callee = node.function
                if isinstance(callee, Name) and callee.name not in local and not callee.name.startswith("__builtin_"):
                    calls.append((callee.name, "", node.pos.line))
            elif type(node) is MemberAccess and _is_table(chain := _chain(node), local):
                calls.append(("", chain, node.pos.line))
        self.calls = tuple(calls)
        self._uses: dict[int, Use] = {}

    def use_of(self, at: int) -> Use:
        """Return what becomes of parameter number *at*."""
        if at not in self._uses:
            name = self.function.type.params[at].name
            self._uses[at] = Use(is_read=False) if name is None else _use(self.function.body, name)
        return self._uses[at]


def body_of(function: FunctionDef) -> Body:
    """Return the facts of a function's body, found once for each parsed function."""
    found = _BODIES.get(id(function))
    if found is None or found.function is not function:
        if len(_BODIES) >= MAX_BODIES:
            _BODIES.clear()
        found = _BODIES[id(function)] = Body(function)
    return found


_BODIES: dict[int, Body] = {}


def _is_table(chain: str, local: set[str]) -> bool:
    return chain.count(".") >= 1 and chain.split(".", 1)[0] not in local and not chain.startswith(".")


def _chain(node: object) -> str:
    """Return ``table.member.field`` for members of a named object, ``""`` for anything else."""
    names: list[str] = []
    while isinstance(node, MemberAccess) and not node.arrow:
        names.append(node.name)
        node = node.base
    return ".".join((node.name, *reversed(names))) if isinstance(node, Name) else ""


def _use(root: object, name: str) -> Use:
    """Return what becomes of parameter *name* in *root*."""
    passed: list[tuple[str, int]] = []
    pending: list[object] = [root]
    while pending:
        node = pending.pop()
        match node:
            case Name(name=found) if found == name:
                return Use(is_read=True)
            case Assign(target=Name(name=target), value=value) if target == name:
                # An update by itself gives no meaning; what is assigned to something else inside it may.
                pending.extend(one for one in nodes(value) if isinstance(one, Assign))
            case Call(function=Name(name=callee), args=args):
                for number, arg in enumerate(args):
                    if _is_just(arg, name):
                        passed.append((callee, number))
                    else:
                        pending.append(arg)
            case tuple() if type(node) is tuple:
                pending.extend(node)
            case Asm():
                pending.extend([operand.expr for operand in (*node.outputs, *node.inputs)])
            case _:
                pending.extend([getattr(node, one) for one in parts_of(type(node)) or ()])
    return Use(is_read=False, passed=tuple(dict.fromkeys(passed)))


def _is_just(arg: object, name: str) -> bool:
    while isinstance(arg, Cast):
        arg = arg.value
    return isinstance(arg, Name) and arg.name == name
