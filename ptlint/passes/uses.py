"""Whether anything in a tree uses a function: a call, an entry of a table of operations, the body of a macro."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ptlint.core.tree import SourceTree
from ptlint.passes.functions import functions_around

MAX_FILES = 100_000
_NEAR = ("mm/", "include/", "fs/", "kernel/", "arch/")
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)([^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*)", re.MULTILINE)
_DIRECTIVE = re.compile(r"^[ \t]*#[^\n\\]*+(?:\\(?:\n|.)[^\n\\]*+)*", re.MULTILINE)


def is_used(tree: SourceTree, name: str, paths: Iterable[str]) -> bool:
    """Return whether something in *tree* uses function *name*; *paths* are looked at first.

    True as well when the tree is too large to be sure.
    """
    word = re.compile(rf"\b{re.escape(name)}\b")
    for count, path in enumerate(_files(tree, paths)):
        if count >= MAX_FILES:
            return True
        data = tree.read(path) or b""
        if name.encode() in data and (path.endswith(".S") or uses_in(data.decode("latin-1"), name, word)):
            return True
    return False


def _files(tree: SourceTree, first: Iterable[str]) -> Iterator[str]:
    near = list(first)
    yield from near
    paths = [path for path in tree.paths() if path.endswith((".c", ".h", ".S")) and path not in near]
    rank = {folder: at for at, folder in enumerate(_NEAR)}
    yield from sorted(paths, key=lambda path: (rank.get(path.split("/")[0] + "/", len(rank)), path))


def uses_in(text: str, name: str, word: re.Pattern[str]) -> bool:
    """Return whether *text* uses *name*, its definition, declarations, exports and comments left out."""
    bare = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    if any(macro != name and word.search(body) for macro, body in _DEFINE.findall(bare)):
        return True
    plain = _DIRECTIVE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), bare)
    if any(function != name for function in functions_around(plain, word)):
        return True
    return re.search(rf"[=,{{&]\s*{re.escape(name)}\s*[,;}}]", plain) is not None
