"""Which ``.c`` files a configuration builds: as much of make as the kernel's obj-y lists need.

Assignments, ``+=``, ``ifdef`` and ``ifeq`` are read, ``$(CONFIG_X)``, plain variables and a few functions expanded. A
folder without a Makefile builds everything in it: an excerpt of a kernel rarely has them all.
"""

import posixpath
import re
from collections.abc import Mapping

from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile

MAX_EXPANSION = 40
MAX_MAKEFILE = 1 << 20

_ASSIGN = re.compile(r"[ \t]*([\w$(){}./+,-]+)[ \t]*(\+=|:::?=|::?=|\?=|=)[ \t]*(.*)")
_REFERENCE = re.compile(r"\$\(([^()$]*)\)|\$\{([^{}$]*)\}")
_COMMENT = re.compile(r"(?<!\\)#.*")
_EQUAL = re.compile(r"\s*(?:\((.*),(.*)\)|[\"'](.*?)[\"']\s*[\"'](.*?)[\"'])\s*$")


class Makefile:
    """The variables of one evaluated Makefile."""

    def __init__(self, text: str, config: Mapping[str, str], given: Mapping[str, str]) -> None:
        self._variables: dict[str, str] = dict(given)
        self._config = config
        self._run(text)

    def value(self, name: str) -> str:
        """Return the value of variable *name*, ``""`` when it has none."""
        return self._variables.get(name, "")

    def _expand(self, text: str) -> str:
        for _ in range(MAX_EXPANSION):
            if "$" not in text:
                break
            replaced = _REFERENCE.sub(lambda found: self._reference(found.group(1) or found.group(2) or ""), text)
            if replaced == text or len(replaced) > MAX_MAKEFILE:
                break
            text = replaced
        return text

    def _reference(self, inside: str) -> str:
        name, _, rest = inside.partition(" ")
        if rest:
            return _function(name, rest.strip())
        if inside.startswith("CONFIG_"):
            return self._config.get(inside[7:], "")
        pattern = re.fullmatch(r"([\w-]+):(\S*?)=(\S*)", inside)
        if pattern is not None:
            return self._substituted(*pattern.groups())
        return self._variables.get(inside, "")

    def _substituted(self, name: str, old: str, new: str) -> str:
        old, new = old.removeprefix("%"), new.removeprefix("%")
        words = self._expand(self._variables.get(name, "")).split()
        return " ".join(word[: len(word) - len(old)] + new if old and word.endswith(old) else word for word in words)

    def _run(self, text: str) -> None:
        states: list[tuple[bool, bool]] = []  # (this branch is active, one was taken)
        for line in text.replace("\\\n", " ").split("\n"):
            line = _COMMENT.sub("", line).rstrip()
            words = line.split(None, 1)
            if not words:
                continue
            outer = all(active for active, _ in states[:-1])
            if words[0] in ("ifdef", "ifndef", "ifeq", "ifneq"):
                holds = all(active for active, _ in states) and self._holds(words[0], words[1] if words[1:] else "")
                states.append((holds, holds))
            elif words[0] == "else" and states:
                chained = words[1].split(None, 1) if words[1:] else []
                holds = outer and not states[-1][1]
                if holds and chained:
                    holds = self._holds(chained[0], chained[1] if chained[1:] else "")
                states[-1] = (holds, states[-1][1] or holds)
            elif words[0] == "endif" and states:
                states.pop()
            elif all(active for active, _ in states):
                self._assign(line)

    def _holds(self, kind: str, text: str) -> bool:
        if kind in ("ifdef", "ifndef"):
            name = self._expand(text.strip())
            known = self._config.get(name[7:], "") if name.startswith("CONFIG_") else self._variables.get(name, "")
            return bool(known) == (kind == "ifdef")
        found = _EQUAL.match(text)
        if found is None:
            return False
        left, right = (
            (found.group(1), found.group(2)) if found.group(1) is not None else (found.group(3), found.group(4))
        )
        return (self._expand(left).strip() == self._expand(right).strip()) == (kind == "ifeq")

    def _assign(self, line: str) -> None:
        found = _ASSIGN.match(line)
        if found is None or line.startswith("\t\t\t"):
            return
        name, how, value = self._expand(found.group(1)), found.group(2), found.group(3)
        if how == "+=":
            self._variables[name] = f"{self._variables.get(name, '')} {self._expand(value)}".strip()
        elif how != "?=" or name not in self._variables:
            self._variables[name] = self._expand(value)


def _function(name: str, rest: str) -> str:
    parts = [part.strip() for part in rest.split(",")]
    match name, parts:
        case "subst", [old, new, text]:
            return text.replace(old, new)
        case "addprefix", [prefix, words]:
            return " ".join(prefix + word for word in words.split())
        case "addsuffix", [suffix, words]:
            return " ".join(word + suffix for word in words.split())
        case "filter", [patterns, words]:
            return " ".join(word for word in words.split() if word in patterns.split())
        case "filter-out", [patterns, words]:
            return " ".join(word for word in words.split() if word not in patterns.split())
        case "if", [condition, then, *other]:
            return then if condition else (other[0] if other else "")
        case "or", _:
            return next((part for part in parts if part), "")
        case "and", _:
            return parts[-1] if all(parts) else ""
        case "strip", _:
            return " ".join(rest.split())
    return ""


class Kbuild:
    """Which files of a tree are built under a profile."""

    def __init__(self, tree: SourceTree, profile: Profile) -> None:
        self._tree = tree
        self._config = profile.config
        self._folders = profile.own_folders
        bits = "64" if profile.model.pointer_size == 8 else "32"
        self._given = {"BITS": bits, "SRCARCH": profile.folder, "ARCH": profile.folder, "CONFIG_SHELL": "sh"}
        self._lists: dict[str, tuple[frozenset[str], frozenset[str]] | None] = {}

    def builds(self, path: str) -> bool:
        """Return whether the configuration compiles *path* (a ``.c`` file), into the kernel or a module."""
        folder = posixpath.dirname(path)
        if path.startswith("arch/") and not path.startswith(self._folders):
            return False
        listed = self._listed(folder)
        if listed is not None and path not in listed[0] and not self._listed_above(path):
            return False
        return self._enters(folder)

    def _listed_above(self, path: str) -> bool:
        above = posixpath.dirname(posixpath.dirname(path))
        listed = self._listed(above) if above else None
        return listed is not None and path in listed[0]

    def _enters(self, folder: str) -> bool:
        """Return whether every Makefile above *folder* leads down to it."""
        while "/" in folder:
            above = posixpath.dirname(folder)
            listed = self._listed(above)
            if listed is not None and folder not in listed[1] and self._has_makefile(folder):
                return False
            folder = above
        return True

    def _has_makefile(self, folder: str) -> bool:
        return self._listed(folder) is not None

    def _listed(self, folder: str) -> tuple[frozenset[str], frozenset[str]] | None:
        """Return the source files and folders that the Makefile of *folder* builds, None when it has none."""
        if folder not in self._lists:
            data = self._tree.read(f"{folder}/Kbuild") or self._tree.read(f"{folder}/Makefile")
            self._lists[folder] = None if data is None or len(data) > MAX_MAKEFILE else self._read(folder, data)
        return self._lists[folder]

    def _read(self, folder: str, data: bytes) -> tuple[frozenset[str], frozenset[str]]:
        makefile = Makefile(data.decode("latin-1"), self._config, {**self._given, "src": folder, "obj": folder})
        sources: set[str] = set()
        folders: set[str] = set()
        kinds = ("obj-y", "obj-m", "lib-y", "lib-m", "core-y", "drivers-y", "libs-y")
        pending = [word for kind in kinds for word in makefile.value(kind).split()]
        seen: set[str] = set()
        while pending:
            word = pending.pop()
            if word in seen:
                continue
            seen.add(word)
            if word.endswith("/"):
                folders.add(posixpath.normpath(f"{folder}/{word}"))
            elif word.endswith(".o"):
                stem = word[:-2]
                sources.add(posixpath.normpath(f"{folder}/{stem}.c"))
                for suffix in ("-y", "-m", "-objs"):
                    pending.extend(makefile.value(stem + suffix).split())
        return frozenset(sources), frozenset(folders)
