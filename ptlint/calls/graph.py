"""What a function calls, and which of its parameters matter to what it does."""

from dataclasses import dataclass

from ptlint.calls.ops import OpsTarget, ops_targets
from ptlint.csrc.ast import Asm, Assign, Call, Cast, Declaration, FunctionDef, MemberAccess, Name
from ptlint.csrc.nodes import nodes, parts_of
from ptlint.csrc.scope import NOTHING
from ptlint.csrc.universe import Universe

MAX_DEPTH = 40
MAX_FUNCTIONS = 5000


@dataclass(frozen=True, slots=True)
class Callee:
    """A function called, by the name that runs. ``through`` is the ops-table field it is reached by, if any."""

    name: str
    line: int
    through: str = ""


def function_in(universe: Universe, name: str, path: str = "", keep: frozenset[str] = NOTHING) -> FunctionDef | None:
    """Return the function that a call of *name* in file *path* runs, as ``Universe.function`` when no path is given."""
    if path.endswith(".c"):
        return universe.in_file(path).function(name, keep)
    return universe.function(name, keep)


def callees(universe: Universe, function: FunctionDef) -> tuple[Callee, ...]:
    """Return what the expanded body of *function* calls, in the order of its text, each name once."""
    found: dict[tuple[str, str], Callee] = {}
    local = _locals(function)
    for node in nodes(function.body):
        match node:
            case Call(function=Name(name=name), pos=pos) if name not in local and not name.startswith("__builtin_"):
                found.setdefault((name, ""), Callee(name, pos.line))
            case MemberAccess() if _is_table(chain := _chain(node), local):
                line = node.pos.line
                for target in ops_targets(universe, chain):
                    found.setdefault((target.function, chain), Callee(target.function, line, chain))
            case _:
                pass
    return tuple(found.values())


def targets_of(universe: Universe, function: FunctionDef) -> dict[str, tuple[OpsTarget, ...]]:
    """Return the ops-table fields that the body of *function* names, with what each may hold."""
    local = _locals(function)
    chains = (_chain(node) for node in nodes(function.body) if isinstance(node, MemberAccess))
    fields_ = dict.fromkeys(chain for chain in chains if _is_table(chain, local))
    return {chain: targets for chain in fields_ if (targets := ops_targets(universe, chain))}


def _is_table(chain: str, local: frozenset[str]) -> bool:
    return chain.count(".") >= 1 and chain.split(".", 1)[0] not in local and not chain.startswith(".")


def _chain(node: object) -> str:
    """Return ``table.member.field`` for members of a named object, ``""`` for anything else."""
    names: list[str] = []
    while isinstance(node, MemberAccess) and not node.arrow:
        names.append(node.name)
        node = node.base
    return ".".join((node.name, *reversed(names))) if isinstance(node, Name) else ""


def _locals(function: FunctionDef) -> frozenset[str]:
    names = {param.name for param in function.type.params if param.name}
    for node in nodes(function.body):
        if isinstance(node, Declaration):
            names.update(one.name for one in node.declarators)
    return frozenset(names)


# --- parameters -------------------------------------------------------------------------------------------------


def used_parameters(universe: Universe, name: str) -> tuple[str, ...]:
    """Return the parameters of function *name* whose value matters to what it does, in order.

    A parameter does not matter when it is not named, when it is only handed to a function for which that parameter does
    not matter, or when it is only used to update itself. Where a callee is not known, it matters.
    """
    function = universe.function(name)
    if function is None:
        return ()
    memo: dict[tuple[str, int], bool] = {}
    params = [param.name for param in function.type.params]
    return tuple(param for at, param in enumerate(params) if param and _matters(universe, function, at, memo, 0))


def _matters(universe: Universe, function: FunctionDef, at: int, memo: dict[tuple[str, int], bool], depth: int) -> bool:
    key = (f"{function.pos.path}:{function.name}", at)
    if key in memo:
        return memo[key]
    if depth > MAX_DEPTH or len(memo) > MAX_FUNCTIONS:
        return True
    memo[key] = False  # a recursive call alone gives it no meaning
    name = function.type.params[at].name
    memo[key] = name is not None and _reads(universe, function, name, function.body, memo, depth)
    return memo[key]


def _reads(
    universe: Universe, function: FunctionDef, name: str, root: object, memo: dict[tuple[str, int], bool], depth: int
) -> bool:
    pending: list[object] = [root]
    while pending:
        node = pending.pop()
        match node:
            case Name(name=found) if found == name:
                return True
            case Assign(target=Name(name=target), value=value) if target == name:
                # An update by itself gives no meaning; what is assigned to something else inside it may.
                pending.extend(one for one in nodes(value) if isinstance(one, Assign))
            case Call(function=Name(name=callee), args=args):
                called = function_in(universe, callee, function.pos.path) if _passes(args, name) else None
                for number, arg in enumerate(args):
                    if called is not None and _is_just(arg, name) and number < len(called.type.params):
                        if _matters(universe, called, number, memo, depth + 1):
                            return True
                    else:
                        pending.append(arg)
            case tuple() if type(node) is tuple:
                pending.extend(node)
            case Asm():
                pending.extend([operand.expr for operand in (*node.outputs, *node.inputs)])
            case _:
                pending.extend([getattr(node, one) for one in parts_of(type(node)) or ()])
    return False


def _is_just(arg: object, name: str) -> bool:
    while isinstance(arg, Cast):
        arg = arg.value
    return isinstance(arg, Name) and arg.name == name


def _passes(args: tuple[object, ...], name: str) -> bool:
    return any(_is_just(arg, name) for arg in args)
