"""The ``.c`` files of a universe: which are built, and which of them defines a function that headers only declare."""

import re
from collections.abc import Callable, Iterator

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.directives import SCANS, FileScan
from ptlint.csrc.items import defined_words, definitions, items_of, looks_defined, words_of
from ptlint.csrc.kbuild import Kbuild
from ptlint.csrc.profile import Profile
from ptlint.csrc.scope import Scope, Site
from ptlint.csrc.unit import Unit

# Where the functions stand that the headers only declare, in the order in which they are looked through.
SOURCES = (
    "arch/{}/mm",
    "mm",
    "arch/{}/xen",
    "arch/{}/kernel",
    "arch/{}/lib",
    "arch/{}/coco",
    "arch/{}/hyperv",
    "arch/{}/um",
    "kernel",
    "lib",
    "fs/proc",
)


class Sources:
    """The ``.c`` files that *profile* builds from *tree*.

    *headers* is the unit of the headers, *scan_of* reads the directives of a file, *in_file* the names of one.
    """

    def __init__(
        self,
        tree: SourceTree,
        profile: Profile,
        headers: Unit,
        scan_of: Callable[[str], FileScan | None],
        in_file: Callable[[str], Scope],
    ) -> None:
        self.kbuild = Kbuild(tree, profile)
        self._tree = tree
        self._profile = profile
        self._headers = headers
        self._scan_of = scan_of
        self._in_file = in_file
        self._found: dict[str, tuple[str, ...]] = {}
        self._places: dict[str, Span | None] = {}
        self._files: list[str] | None = None
        self._defined: dict[str, list[str]] | None = None

    def place_of(self, name: str) -> Span | None:
        """Return the line of the definition of function *name* that counts: a strong one, else weak, else static.

        A file is only preprocessed for it when conditionals surround it. None when no file that is built has one.
        """
        if name not in self._places:
            found: dict[str, Span] = {}
            for path in self.defining_files(name):
                for linkage, span in self._unconditional(path, name) or self._conditional(path, name):
                    found.setdefault(linkage, span)
                if "strong" in found:
                    break
            self._places[name] = found.get("strong") or found.get("weak") or found.get("static")
        return self._places[name]

    def _unconditional(self, path: str, name: str) -> list[tuple[str, Span]]:
        """Return linkage and line of a definition that stands in no conditional, nothing when there is none."""
        scan = self._scan_of(path)
        for at, body in definitions(name, scan.text) if scan is not None else ():
            if scan is not None and body >= 0 and not _in_conditional(scan, at):
                start = max(scan.text.rfind(sign, 0, at) for sign in ";}/#") + 1
                return [(_linkage(scan.text[start:body]), Span(path, scan.text.count("\n", 0, at) + 1))]
        return []

    def _conditional(self, path: str, name: str) -> list[tuple[str, Span]]:
        sites = self._in_file(path).sites(name, "function")
        return [(_linkage_of(site), site.span) for site in sites if site.instance.path == path]

    def defining_files(self, name: str) -> tuple[str, ...]:
        """Return the built ``.c`` files whose text looks as if it defined *name* at file scope."""
        if name not in self._found:
            files = self._definers().get(name, ())
            found = tuple(path for path in files if looks_defined(name, self.text_of(path)))
            self._found[name] = found or self._files_using(self._macros_for(name))
        return self._found[name]

    def _definers(self) -> dict[str, list[str]]:
        """Return the built ``.c`` files by the names that their text may define."""
        if self._defined is None:
            self._defined = {}
            for path in self.files():
                blob = self._tree.blob_id(path) or ""
                if blob not in _DEFINED_WORDS:
                    _DEFINED_WORDS[blob] = defined_words(self.text_of(path))
                for name in _DEFINED_WORDS[blob]:
                    self._defined.setdefault(name, []).append(path)
        return self._defined

    def _macros_for(self, name: str) -> tuple[str, ...]:
        """Return the macros of the headers whose text looks as if it defined *name*: ``DECLARE_VM_GET_PAGE_PROT``."""
        return tuple(
            one.text.split(None, 1)[0].split("(", 1)[0]
            for instance in self._headers.instances
            if name in words_of(instance.scan)
            for one in instance.scan.directives
            if one.kind == "define" and name in one.text and looks_defined(name, one.text)
        )

    def _files_using(self, macros: tuple[str, ...]) -> tuple[str, ...]:
        if not macros:
            return ()
        lone = re.compile(rf"^(?:{'|'.join(map(re.escape, macros))})\b", re.MULTILINE)
        return tuple(path for path in self.files() if lone.search(self.text_of(path)))

    def files(self) -> list[str]:
        """Return the ``.c`` files that the configuration builds, those of the architecture first."""
        if self._files is None:
            self._files = [path for path in self._candidates() if self.kbuild.builds(path)]
        return self._files

    def _candidates(self) -> Iterator[str]:
        seen: set[str] = set()
        for folder in SOURCES:
            for path in self._tree.paths(folder.format(self._profile.folder)):
                if path.endswith(".c") and path not in seen:
                    seen.add(path)
                    yield path

    def text_of(self, path: str) -> str:
        """Return the text of a file of the tree, ``""`` when there is none."""
        blob = self._tree.blob_id(path)
        if blob is None:
            return ""
        held = SCANS.held(path, blob)
        if held is not None:
            return held.text
        if blob not in _TEXTS:
            _TEXTS[blob] = (self._tree.read(path) or b"").decode("latin-1")
        return _TEXTS[blob]


_TEXTS: dict[str, str] = {}  # by blob id
_DEFINED_WORDS: dict[str, frozenset[str]] = {}  # by blob id


def _in_conditional(scan: FileScan, offset: int) -> bool:
    """Return whether the byte at *offset* stands between ``#if`` and ``#endif``, or in a macro definition."""
    depth = 0
    for one in scan.directives:
        if one.start > offset:
            break
        if offset < one.end:
            return True
        depth += (one.kind in ("if", "ifdef", "ifndef")) - (one.kind == "endif")
    return depth > 0


def _linkage_of(site: Site) -> str:
    item = items_of(site.instance).items[site.number]
    return _linkage(site.instance.active_text()[item.start : item.end].split("{", 1)[0])


def _linkage(head: str) -> str:
    if re.search(r"\b__weak\b|\bweak\b", head):
        return "weak"
    return "static" if re.search(r"\bstatic\b", head) else "strong"
