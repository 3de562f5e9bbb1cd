"""The ``.c`` files of a universe: which are built, and which of them defines a function that headers only declare."""

import re
from collections.abc import Callable, Iterator

from ptlint.core.span import Span
from ptlint.core.tree import SourceTree
from ptlint.csrc.definitions import defined_words, definitions, looks_defined, words_defined
from ptlint.csrc.directives import SCANS, FileScan
from ptlint.csrc.items import items_of
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
        self._numbers: set[int] = set()
        self._by_blob: dict[str, list[tuple[int, str]]] | None = None

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
                start = 0
                for sign in ";}/#":  # each from the last one on: a text may have none of the next
                    start = max(start, scan.text.rfind(sign, start, at) + 1)
                return [(linkage(scan.text[start:body]), Span(path, scan.text.count("\n", 0, at) + 1))]
        return []

    def _conditional(self, path: str, name: str) -> list[tuple[str, Span]]:
        sites = self._in_file(path).sites(name, "function")
        return [(_linkage_of(site), site.span) for site in sites if site.instance.path == path]

    def defining_files(self, name: str) -> tuple[str, ...]:
        """Return the built ``.c`` files whose text looks as if it defined *name* at file scope."""
        if name not in self._found:
            found = tuple(path for path in self._definers(name) if looks_defined(name, self.text_of(path)))
            self._found[name] = found or self._files_using(self._macros_for(name))
        return self._found[name]

    def _definers(self, name: str) -> list[str]:
        """Return the built ``.c`` files whose text may define *name*, in the order of ``files``."""
        if self._by_blob is None:
            self._by_blob = {}
            for place, path in enumerate(self.files()):
                blob = self._tree.blob_id(path) or ""
                self._by_blob.setdefault(blob, []).append((place, path))
                if blob not in _INDEXED:
                    _INDEXED.add(blob)
                    for word in defined_words(self.text_of(path)):
                        _DEFINERS.setdefault(word, []).append(blob)
        own = self._by_blob
        return [path for _, path in sorted(one for blob in _DEFINERS.get(name, ()) for one in own.get(blob, ()))]

    def _macros_for(self, name: str) -> tuple[str, ...]:
        """Return the macros of the headers whose text looks as if it defined *name*: ``DECLARE_VM_GET_PAGE_PROT``."""
        if not self._numbers:
            for instance in self._headers.instances:
                self._numbers.add(instance.scan.number)
                _index_makers(instance.scan)
        texts = (text for number, text in _MAKERS.get(name, ()) if number in self._numbers)
        return tuple(text.split(None, 1)[0].split("(", 1)[0] for text in texts if looks_defined(name, text))

    def _files_using(self, macros: tuple[str, ...]) -> tuple[str, ...]:
        if not macros:
            return ()
        lone = re.compile(rf"^(?:{'|'.join(map(re.escape, macros))})\b", re.MULTILINE)
        texts = ((path, self.text_of(path)) for path in self.files())
        return tuple(path for path, text in texts if any(one in text for one in macros) and lone.search(text))

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
            data = self._tree.read(path)
            if data is None:
                return ""
            _TEXTS[blob] = data.decode("latin-1")
        return _TEXTS[blob]


_TEXTS: dict[str, str] = {}  # by blob id
_DEFINERS: dict[str, list[str]] = {}  # the blobs that may define a name
_INDEXED: set[str] = set()  # the blobs that are in it
_MAKERS: dict[str, list[tuple[int, str]]] = {}  # the macros that may define a name: number of the scan, text


def _index_makers(scan: FileScan) -> None:
    """Note which names the macros of a file may define."""
    if "makers" not in scan.item_cache:
        scan.item_cache["makers"] = True
        for one in scan.directives:
            if one.kind == "define":
                for word in words_defined(one.text):
                    _MAKERS.setdefault(word, []).append((scan.number, one.text))


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
    return linkage(site.instance.active_text()[item.start : item.end].split("{", 1)[0])


def linkage(head: str) -> str:
    """Return ``weak``, ``static`` or ``strong``: what the words before a function's body or in its prototype say."""
    if re.search(r"\b__weak\b|\bweak\b", head):
        return "weak"
    return "static" if re.search(r"\bstatic\b", head) else "strong"
