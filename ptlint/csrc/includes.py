"""Where ``#include`` finds a file: the kernel's search order, over a source tree."""

import posixpath
import re

from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile

_LISTED = re.compile(rb"^[ \t]*(generic-y|mandatory-y)[ \t]*[+:]?=[ \t]*((?:[^\n\\]|\\\n)*)", re.MULTILINE)


class IncludePath:
    """The include directories of one profile: its architecture's, the generated wrappers, ``include``, uapi.

    A wrapper that Kbuild would generate (``generic-y`` of the architecture's Kbuild, ``mandatory-y`` of
    ``asm-generic``) leads to the file in ``asm-generic``. A tree without such a Kbuild falls back for every header.
    """

    def __init__(self, tree: SourceTree, profile: Profile) -> None:
        self._tree = tree
        arch = f"arch/{profile.folder}/include"
        self._dirs = [arch, f"+{arch}", "include", f"{arch}/uapi", f"+{arch}/uapi", "include/uapi", *profile.include]
        self.asked: dict[str, bool] = {}
        self.kbuild_files: list[str] = []
        self._wrapped = {
            one: self._wrappers(one[1:], profile.mandatory_headers or one[1:] not in (arch, f"{arch}/uapi"))
            for one in self._dirs
            if one.startswith("+")
        }
        if self._wrapped[f"+{arch}"] is not None:  # the tree has Kbuild files: one that is missing lists nothing
            self._wrapped = {one: names or frozenset() for one, names in self._wrapped.items()}
        self._shadowed = profile.shadowed
        self._borrowed = frozenset(one for one in profile.include if not one.startswith(profile.own_folders))
        self._found: dict[tuple[str, str], str | None] = {}

    def _wrappers(self, include: str, use_mandatory: bool) -> frozenset[str] | None:
        """Return the names that have a generated wrapper, None when the tree has no Kbuild to say so."""
        mandatory = f"include/{'uapi/' if include.endswith('/uapi') else ''}asm-generic/Kbuild"
        names: set[str] = set()
        known = False
        wanted = [(f"{include}/asm/Kbuild", b"generic-y")] + ([(mandatory, b"mandatory-y")] if use_mandatory else [])
        for path, key in wanted:
            data = self._tree.read(path)
            self.kbuild_files.append(path)
            if data is None:
                continue
            known = True
            for found in _LISTED.finditer(data):
                if found.group(1) == key:
                    names.update(found.group(2).replace(b"\\\n", b" ").decode("latin-1").split())
        return frozenset(names) if known else None

    def _exists(self, path: str) -> bool:
        found = self.asked.get(path)
        if found is None:
            found = self.asked[path] = self._tree.exists(path)
        return found

    def find(self, name: str, quoted: bool, includer: str, after: str | None = None) -> str | None:
        """Return the path that ``#include`` of *name* in file *includer* reads, or None.

        *after* is the directory in which *includer* itself was found, for ``#include_next``.
        """
        folder = posixpath.dirname(includer) if quoted else ""
        key = (name, folder if after is None else f"{folder}>{after}")
        if key not in self._found:
            self._found[key] = self._search(name, quoted, folder, after)
        return self._found[key]

    def angled(self, name: str) -> str | None:
        """Return the path that ``#include <name>`` reads, or None."""
        try:
            return self._found[name, ""]
        except KeyError:
            return self.find(name, False, "")

    def _search(self, name: str, quoted: bool, folder: str, after: str | None) -> str | None:
        name = _normal(name)
        if name.startswith("/"):
            return None
        if quoted and after is None:
            beside = _normal(f"{folder}/{name}" if folder else name)
            if not beside.startswith("..") and self._exists(beside):
                return beside
        dirs = self._dirs
        if after is not None:
            at = next((number for number, one in enumerate(dirs) if after == one), -1)
            dirs = dirs[at + 1 :]
        for one in dirs:
            if name in self._shadowed and one in self._borrowed:
                continue
            path = self._in(one, name)
            if path is not None:
                return path
        return None

    def _in(self, directory: str, name: str) -> str | None:
        if directory.startswith("+"):
            if name.startswith("uapi/asm/"):  # the generated folder holds that of the uapi wrappers
                directory, name = f"{directory}/uapi", name[5:]
            wrapped = self._wrapped.get(directory)
            if not name.startswith("asm/") or (wrapped is not None and name[4:] not in wrapped):
                return None
            # A wrapper includes <asm-generic/...>, which the search order answers, whichever Kbuild asked for it.
            path = f"include/asm-generic/{name[4:]}"
            if not self._exists(path):
                path = f"include/uapi/asm-generic/{name[4:]}"
        else:
            path = _normal(f"{directory}/{name}")
        return path if not path.startswith("..") and self._exists(path) else None

    def directory_of(self, path: str) -> str:
        """Return the include directory that *path* lies in, ``""`` when it is in none."""
        inside = [one for one in self._dirs if path.startswith(one + "/")]
        return max(inside, key=len, default="")


def _normal(path: str) -> str:
    """Return *path* without ``.``, ``..`` and doubled slashes; most have none."""
    if "/." in path or "//" in path or path[:1] in (".", "") or path.endswith("/"):
        return posixpath.normpath(path)
    return path
