"""What a real preprocessor makes of a tree's headers under a profile: macros at the end, and where functions are."""

import posixpath
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import PRELUDE, ROOTS, Universe

_MARK = re.compile(r'# (\d+) "([^"]*)"')
_DEFINE = re.compile(r"#define (\w+)(\(?)(.*)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'')
_TOKEN = re.compile(r"[A-Za-z_]\w*|[^\w\s]")


@dataclass
class Preprocessed:
    """Macros by name: place, whether it takes arguments, body. Functions by name: where declared first, and where the
    body stands, None without one. Places are ``path:line``.
    """

    macros: dict[str, tuple[str, bool, str]] = field(default_factory=dict)
    declared: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, str] = field(default_factory=dict)


def written_headers(tree: SourceTree, profile: Profile, universe: Universe, folder: Path) -> list[str]:
    """Write the headers that *profile* reads, and what Kbuild would generate, below *folder*; return the include paths.

    Headers that no tree has are empty, as they are for ptlint.
    """
    arch = f"arch/{profile.folder}/include"
    own = [arch, "include", f"{arch}/uapi", "include/uapi", *profile.include]
    for path in {path for start in ("include", "mm", *own) for path in tree.paths(start) if path.endswith(".h")}:
        _write(folder / path, tree.read(path) or b"")
    for path, text in profile.data.get("standin", {}).items():
        if not tree.exists(path):
            _write(folder / path, text.encode())
    generated = folder / "generated-headers"
    for include, listed in ((arch, "generic-y"), (f"{arch}/uapi", "generic-y")):
        for name in _listed(tree, f"{include}/asm/Kbuild", listed):
            _wrapper(folder, generated, include, name)
        kbuild = "include/uapi/asm-generic/Kbuild" if include.endswith("/uapi") else "include/asm-generic/Kbuild"
        if profile.mandatory_headers or include != arch:
            for name in _listed(tree, kbuild, "mandatory-y"):
                _wrapper(folder, generated, include, name)
    config = "".join(_configured(symbol, value) for symbol, value in profile.config.items())
    _write(generated / "generated/autoconf.h", config.encode())
    for span, name in universe.not_found:
        beside = posixpath.join(posixpath.dirname(span.path), name)
        if not any((folder / one / name).exists() for one in (*own, "generated-headers", beside)):
            _write(folder / "lacking" / name, b"")
    return [arch, "generated-headers", *own[1:3], "generated-headers/uapi", *own[3:], "lacking", "."]


def _listed(tree: SourceTree, path: str, key: str) -> Iterator[str]:
    text = (tree.read(path) or b"").decode().replace("\\\n", " ")
    for line in re.findall(rf"^{key}\s*[+:]?=\s*(.*)$", text, re.MULTILINE):
        yield from line.split()


def _wrapper(folder: Path, generated: Path, include: str, name: str) -> None:
    if not (folder / include / "asm" / name).exists():
        start = generated / "uapi" if include.endswith("/uapi") else generated
        _write(start / "asm" / name, f"#include <asm-generic/{name}>\n".encode())


def _configured(symbol: str, value: str) -> str:
    if value == "m":
        return f"#define CONFIG_{symbol}_MODULE 1\n"
    return f"#define CONFIG_{symbol} {1 if value == 'y' else value}\n"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def preprocessed(gcc: str, tree: SourceTree, profile: Profile, universe: Universe, folder: Path) -> Preprocessed:
    """Run *gcc* over the roots of *universe* with the compiler's macros of *profile* instead of its own."""
    includes = written_headers(tree, profile, universe, folder)
    roots = [root for root in (*PRELUDE, *ROOTS) if universe.includes.find(root, True, "") is not None]
    _write(folder / "unit.c", "".join(f'#include "{root}"\n' for root in roots).encode())
    macros = [f"-D{name}={value}" for name, value in profile.predefined.items()]
    paths = [argument for path in includes for argument in ("-I", path)]
    done = subprocess.run(
        [gcc, "-E", "-dD", "-undef", "-nostdinc", *macros, *paths, "unit.c"],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=60, check=False,
    )  # fmt: skip
    lacking = [line for line in done.stderr.splitlines() if "No such file" in line]
    assert lacking == []
    return _read(done.stdout)


def _read(text: str) -> Preprocessed:
    found, path, number = Preprocessed(), "", 0
    depth = nested = 0
    open_: list[tuple[str, str]] = []  # names before a bracket at file scope, until a body or a semicolon
    last = ("", "")
    for line in text.split("\n"):
        mark = _MARK.match(line)
        if mark is not None:
            path, number = posixpath.normpath(mark[2]), int(mark[1])
            continue
        if line.startswith("#"):
            _directive(found, line, f"{path}:{number}")
        for token in () if line.startswith("#") else _TOKEN.findall(_STRING.sub('""', line)):
            if token in "{};" and nested == 0 and depth == 0:
                for name, place in open_ if token in "{;" else ():
                    found.declared.setdefault(name, place)
                    if token == "{":
                        found.bodies.setdefault(name, place)
                open_ = []
            elif token == "(" and nested == 0 and depth == 0 and last[0]:
                open_.append(last)
            depth = max(0, depth + (token == "{") - (token == "}"))
            nested = max(0, nested + (token == "(") - (token == ")"))
            if token != ")":
                last = (token, f"{path}:{number}") if token[0].isalpha() or token[0] == "_" else ("", "")
        number += 1
    return found


def _directive(found: Preprocessed, line: str, place: str) -> None:
    defined = _DEFINE.match(line)
    if defined is not None:
        found.macros[defined[1]] = (place, bool(defined[2]), defined[3].strip())
    elif line.startswith("#undef "):
        found.macros.pop(line.split()[1], None)
