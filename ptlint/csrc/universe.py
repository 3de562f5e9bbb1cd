"""Everything the C front end knows of one tree under one profile: found when asked for, kept by blob id."""

import copy
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ptlint.core.span import Span
from ptlint.core.tree import Snapshot, SourceTree, unread
from ptlint.csrc.ast import Declaration, Declarator, EnumType, Expr, FunctionDef, FunctionType, RecordType, Type
from ptlint.csrc.directives import SCANS, FileScan, SourceLimit
from ptlint.csrc.errors import CSourceError
from ptlint.csrc.fileview import FileView
from ptlint.csrc.includes import IncludePath
from ptlint.csrc.macrodefs import Macro
from ptlint.csrc.pieces import function_of
from ptlint.csrc.predefined import predefined_macros
from ptlint.csrc.profile import Profile
from ptlint.csrc.reuse import HEADERS, Headers, ReadView, replaced, still_there
from ptlint.csrc.scope import MAX_ITEM_BYTES, NOTHING, Scope, Site
from ptlint.csrc.sources import Sources
from ptlint.csrc.unit import Unit

if TYPE_CHECKING:
    from ptlint.csrc.ctypes import TypeTable

MAX_ALIASES = 16
# What every compilation of the kernel includes first, and the headers whose closure page-table code lives in.
PRELUDE = ("linux/compiler-version.h", "linux/kconfig.h", "linux/compiler_types.h")
ROOTS = (
    "asm/page.h",  # as in every real unit: some asm/pgtable.h use it before they include it
    "linux/pgtable.h",
    "linux/mm.h",
    "linux/hugetlb.h",
    "linux/mm_inline.h",
    "linux/swapops.h",
    "linux/leafops.h",
    "linux/page_table_check.h",
    "asm/tlb.h",
    "asm/tlbflush.h",
    "asm/pgalloc.h",
    "linux/mmu_notifier.h",
    "linux/rmap.h",
    "linux/huge_mm.h",
    "linux/migrate.h",
    "linux/pagewalk.h",
    "linux/userfaultfd_k.h",
    "mm/internal.h",
    "mm/swap.h",
)


@dataclass(frozen=True, slots=True)
class SourceText:
    """C text from somewhere: a function that a patch or a reviewer brings. ``line`` is that of its first line."""

    path: str
    line: int
    text: str

    @property
    def looked_at(self) -> str:
        """Return the text, "" where it is longer than anything that is read: not worth looking through."""
        return self.text if len(self.text) <= MAX_ITEM_BYTES else ""


class Universe:
    """One architecture and configuration over one tree.

    Lookups see the end of the translation unit that includes ``ROOTS``; code of a ``.c`` file sees ``in_file``. What
    others find out of it they may keep in ``kept``, each by a name of its own.
    """

    def __init__(
        self, tree: SourceTree, profile: Profile, roots: Sequence[str], overrides: Mapping[str, SourceText]
    ) -> None:
        self.tree = tree
        self.profile = profile
        self.model = profile.model
        self.overrides = dict(overrides)
        self.kept: dict[str, Any] = {}
        self._types: TypeTable | None = None
        self.includes = IncludePath(tree, profile)
        self._scans: dict[str, FileScan | None] = {}
        self._faults: list[tuple[Span, str]] = []
        self._too_large: dict[str, str] = {}
        self.unreadable: set[str] = set()
        self._read = self._headers(tuple(roots))
        self.unit = self._read.unit
        self.headers = self._read.scope
        self._views: dict[str, FileView] = {}
        self._functions: dict[tuple[str, Container[str]], FunctionDef | None] = {}
        self._enumerators: dict[str, int | None] = {}
        self.sources = Sources(tree, profile, self.unit, self.scan_of, self.in_file)

    def _headers(self, roots: tuple[str, ...]) -> Headers:
        """Return the headers: those that another universe read, where no file that they depend on differs."""
        key = (self.profile.name, tuple(sorted(self.profile.config.items())), roots)
        headers = HEADERS.find(key, self.tree)
        if headers is None:
            unit, views = self._headers_like(HEADERS.near(key)) or (self._headers_read(roots), {})
            self._scans.update({path: instances[0].scan for path, instances in unit.by_path.items()})
            files = {path: self.tree.blob_id(path) for path in (*self._scans, *self.includes.kbuild_files)}
            scope = Scope(unit, self.model)
            headers = Headers(self.tree, unit, scope, files, dict(self.includes.asked), views=views)
            HEADERS.keep(key, headers)
        else:
            self._scans = {path: instances[0].scan for path, instances in headers.unit.by_path.items()}
        return headers

    def _headers_read(self, roots: tuple[str, ...]) -> Unit:
        unit = Unit(self.includes, self._scan_for_unit, predefined_macros(self.profile))
        for root in (*PRELUDE, *roots):
            path = self.includes.find(root, True, "")
            if path is not None:
                unit.read(path)
        return unit

    def _headers_like(self, others: Iterable[Headers]) -> tuple[Unit, dict[str, ReadView]] | None:
        """Return unit and views of *others* for this tree, where preprocessing takes the same way, or None."""
        for headers in others:
            kbuild = all(headers.files.get(path) == self.tree.blob_id(path) for path in self.includes.kbuild_files)
            if kbuild and still_there(headers.asked, headers.tree, self.tree):
                changed = replaced(headers.unit, self.scan_of, headers.tree, self.tree)
                if changed is not None:
                    self.includes.asked.update(headers.asked)
                    return headers.unit.over(changed, self.includes, self._scan_for_unit), dict(headers.views)
        return None

    def unit_of(self, path: str) -> Unit:
        """Return the unit of a ``.c`` file over the headers; one that was read before where it still holds."""
        known = self._read.views.get(path)
        if known is not None:
            unit, asked, tree = known
            is_there = still_there(asked, tree, self.tree)
            changed = replaced(unit, self.scan_of, tree, self.tree) if is_there else None
            if changed is not None:
                self.includes.asked.update(asked)
                over = unit.over(changed, self.includes, self._scan_for_unit, self.unit)
                self._scans.update({path: instances[0].scan for path, instances in over.by_path.items()})
                return over
        unit = Unit(self.includes, self._scan_for_unit, parent=self.unit)
        unit.read(path)
        self._read.views[path] = unit, dict(self.includes.asked), self.tree
        return unit

    def scan_of(self, path: str) -> FileScan | None:
        """Return the directives of *path*, None when the tree has no such file or it cannot be read."""
        if path not in self._scans:
            blob = self.tree.blob_id(path)
            held = SCANS.held(path, blob) if blob is not None else None
            if held is None and blob is not None:
                data = self.tree.read(path)
                try:
                    held = None if data is None else SCANS.get(path, blob, data)
                except SourceLimit as error:
                    self._too_large[path] = str(error)
            if held is None and path in unread(self.tree):
                self._too_large[path] = unread(self.tree)[path]
            self._scans[path] = held
        return self._scans[path]

    def _scan_for_unit(self, path: str) -> FileScan | None:
        """Return what ``scan_of`` does. Raises SourceLimit for a file that is too large."""
        found = self.scan_of(path)
        if path in self._too_large:
            raise SourceLimit(self._too_large[path])
        return found

    # --- what was read ------------------------------------------------------------------------------------------

    @property
    def files(self) -> dict[str, str]:
        """Return the files that were read so far: path -> blob id."""
        return {path: self.tree.blob_id(path) or "" for path, scan in sorted(self._scans.items()) if scan is not None}

    @property
    def not_found(self) -> tuple[tuple[Span, str], ...]:
        """Return the includes that lead nowhere: generated headers, and what an excerpt leaves out."""
        return tuple(self.unit.missing)

    @property
    def beyond(self) -> tuple[tuple[Span, str], ...]:
        """Return the files that were not read, or not to their end, because a bound was met: place and reason."""
        lost = {**self._too_large, **unread(self.tree)}
        found = {(Span(path, 1), what.removeprefix(f"{path}: ")) for path, what in lost.items()}
        return tuple(sorted(found.union(self.unit.beyond, *(view.unit.beyond for view in self._views.values()))))

    @property
    def not_understood(self) -> tuple[tuple[Span, str], ...]:
        """Return what was looked at and could not be read, sorted: place and reason."""
        faults = [*self.beyond, *self._faults, *self.unit.faults, *self.headers.not_understood]
        for view in self._views.values():
            faults += [*view.unit.faults, *view.not_understood]
        return tuple(sorted(set(faults)))

    # --- macros, types, constants -------------------------------------------------------------------------------

    def macro(self, name: str) -> Macro | None:
        """Return macro *name* as it is at the end of the unit, or None."""
        return self.headers.macro(name)

    def expression(self, text: str, keep: Container[str] = NOTHING) -> Expr:
        """Return C expression *text* in the context of the end of the unit. Raises CSourceError."""
        return self.headers.expression(text, keep)

    def is_typedef(self, name: str) -> bool:
        """Return whether *name* is a typedef name."""
        return self.headers.is_typedef(name)

    # Types are one table for the whole universe: what the headers do not define is looked for in the .c files that are
    # open, which see more headers.

    def typedef(self, name: str) -> Type | None:
        """Return the type that typedef *name* stands for, or None."""
        return next((found for scope in self._scopes() if (found := scope.typedef(name)) is not None), None)

    def record(self, kind: str, tag: str | None) -> RecordType | None:
        """Return ``struct`` or ``union`` *tag* with its members, None when it is only declared."""
        if not tag:
            return None
        return next((found for scope in self._scopes() if (found := scope.record(kind, tag)) is not None), None)

    def enum(self, tag: str | None) -> EnumType | None:
        """Return ``enum`` *tag* with its constants, or None."""
        if not tag:
            return None
        return next((found for scope in self._scopes() if (found := scope.enum(tag)) is not None), None)

    def _scopes(self) -> Iterator[Scope]:
        yield self.headers
        yield from self._views.values()

    def enumerator(self, name: str) -> int | None:
        """Return the value of enumeration constant *name*, None when it is none or its value is not constant."""
        if name not in self._enumerators:
            self._enumerators[name] = None  # an enum whose constants need one another the wrong way round
            type_ = next((found for scope in self._scopes() if (found := scope.enum_of(name)) is not None), None)
            if type_ is not None:
                from ptlint.csrc.constexpr import enumerator_values

                self._enumerators.update(enumerator_values(type_, self.types))
        return self._enumerators[name]

    @property
    def types(self) -> "TypeTable":
        """Return the resolved types of this universe."""
        if self._types is None:
            from ptlint.csrc.ctypes import TypeTable

            if not self._read.types:
                self._read.types.append(TypeTable(self, self.model))
            found: TypeTable = self._read.types[0]
            if found.names is not self:  # another universe over the same headers used it last, with .c files of its own
                found.rebind(self, self.headers)
            self._types = found
        return self._types

    def prototype(self, name: str) -> FunctionType | None:
        """Return the type of function *name* as the headers declare it, or None."""
        return self.headers.prototype(name)

    def variable(self, name: str) -> tuple[Declaration, Declarator] | None:
        """Return the declaration of variable *name*, with its initialiser when a built ``.c`` file has it."""
        found = self.headers.variable(name)
        if found is not None and found[1].init is not None:
            return found
        for path in self.defining_files(name):
            inner = self.in_file(path).variable(name)
            if inner is not None and (inner[1].init is not None or "extern" not in inner[0].storage):
                return inner
        return found

    # --- functions ----------------------------------------------------------------------------------------------

    def resolve_alias(self, name: str) -> str:
        """Return the name that *name* stands for through object-like macros that are one name, itself if none."""
        for _ in range(MAX_ALIASES):
            macro = self.macro(name)
            if macro is None or macro.params is not None or len(macro.body) != 1 or macro.body[0].kind != "id":
                break
            if macro.body[0].text == name:
                break
            name = macro.body[0].text
        return name

    def function(self, name: str, keep: Container[str] = NOTHING) -> FunctionDef | None:
        """Return the effective definition of *name*: an inline of the headers, or one in a ``.c`` file that is built.

        Functions named in *keep* are looked up like others; macros named there stay calls in the body. None when
        nothing defines it or its text cannot be read (then ``not_understood`` says why).
        """
        key = (name, keep)
        if key not in self._functions:
            self._functions[key] = self._function(self.resolve_alias(name), keep)
        return self._functions[key]

    def _function(self, name: str, keep: Container[str]) -> FunctionDef | None:
        replaced = self.replacement(name, keep)
        if replaced is not None or name in self.unreadable:
            return replaced
        found = self.headers.function_here(name, keep)
        if found is not None:
            return found
        path = self.source_of(name)
        return self.in_file(path).function_here(name, keep) if path is not None else None

    def in_file(self, path: str) -> FileView:
        """Return the names as code in *path* (a ``.c`` file, or any path) sees them."""
        if path not in self._views:
            self._views[path] = FileView(self, path)
            self._enumerators = {name: value for name, value in self._enumerators.items() if value is not None}
        return self._views[path]

    def replacement(self, name: str, keep: Container[str], view: FileView | None = None) -> FunctionDef | None:
        """Return the override of *name* that stands in for its definition here, or None.

        An override whose path is a file of the tree replaces only what that file defines; any other replaces whatever
        is effective, but a generic header never an architecture's own definition. Either stands in where nothing
        defines the name. What stands below another architecture does neither. One that cannot be read is noted as
        ``unreadable``: what it would replace does not run in its place.
        """
        text = self.overrides.get(name)
        if text is None or not self._concerned(text.path):
            return None
        site = self.site_of(name)
        if site is not None and site.instance.path != text.path:
            is_generic = text.path.startswith("include/") and site.instance.path.startswith("arch/")
            if is_generic or self.tree.exists(text.path):
                return None
        scope: Scope = view or self.headers
        if site is not None and site.instance.path.endswith(".c"):
            scope = self.in_file(site.instance.path)
        elif site is None and text.path.endswith(".c") and self.tree.exists(text.path):
            scope = self.in_file(text.path)
        try:
            return function_of(text, scope, self.includes, self.model, keep)
        except CSourceError as error:
            self._faults.append((Span(text.path, error.pos.line or text.line), error.what))
            self.unreadable.add(name)
            return None

    def _concerned(self, path: str) -> bool:
        """Return whether the profile builds, or may build, what stands at *path*: not another architecture's files."""
        return not path.startswith("arch/") or path.startswith((*self.profile.own_folders, *self.profile.include))

    def with_functions(self, more: Mapping[str, SourceText]) -> "Universe":
        """Return this universe with functions of its own under names that it does not have; what was read is shared."""
        _ = self.types  # bound to this one, and shared
        twin = copy.copy(self)
        twin.overrides, twin.kept = {**self.overrides, **more}, {}
        return twin

    def site_of(self, name: str) -> Site | None:
        """Return where the effective definition of function *name* stands, without parsing its body."""
        sites = self.headers.sites(name, "function")
        if not sites:
            path = self.source_of(name)
            sites = self.in_file(path).sites(name, "function") if path is not None else []
        return sites[0] if sites else None

    def source_span(self, name: str) -> Span | None:
        """Return the line in a built ``.c`` file that defines function *name*, see ``Sources.place_of``."""
        return self.sources.place_of(name)

    def source_of(self, name: str) -> str | None:
        """Return the ``.c`` file of that definition."""
        place = self.sources.place_of(name)
        return None if place is None else place.path

    def defining_files(self, name: str) -> tuple[str, ...]:
        """Return the built ``.c`` files whose text looks as if it defined *name* at file scope."""
        return self.sources.defining_files(name)

    def c_files(self) -> list[str]:
        """Return the ``.c`` files that the configuration builds, those of the architecture first."""
        return self.sources.files()

    def text_of(self, path: str) -> str:
        """Return the text of a file of the tree, ``""`` when there is none."""
        return self.sources.text_of(path)


def load_universe(
    tree: SourceTree,
    profile: Profile,
    roots: Sequence[str] = ROOTS,
    overrides: Mapping[str, SourceText] | None = None,
) -> Universe:
    """Return the universe of *tree* under *profile*.

    *roots* are the headers whose closure is read, as ``#include "…"`` would name them; those that the tree lacks are
    left out. *overrides* are functions whose definition is replaced, see ``Universe.replacement``.
    """
    return Universe(_with_stand_ins(tree, profile), profile, roots, overrides or {})


def _with_stand_ins(tree: SourceTree, profile: Profile) -> SourceTree:
    """Return *tree* with the headers that the profile has for trees without them (an excerpt, a partial clone)."""
    texts: Mapping[str, str] = profile.data.get("standin", {})
    lacking: dict[str, bytes | None] = {path: text.encode() for path, text in texts.items() if not tree.exists(path)}
    return Snapshot(tree, lacking) if lacking else tree
