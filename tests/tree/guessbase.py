"""A base made from the hunks of a series alone: what they expect at their line numbers, filler lines elsewhere."""

from dataclasses import dataclass, field

from ptlint.core.patch import FilePatch, Hunk, Patch
from ptlint.core.tree import blob_id_of
from ptlint.tree.binary import apply_binary
from ptlint.tree.image import split_lines

GIT_CONTEXT = 3
"""Context lines that git writes; a hunk with fewer at its end stands at the end of its file."""


@dataclass(eq=False)
class Cell:
    """A line of a file, None until a hunk tells it. The same cell stands in every version that has the line."""

    text: bytes | None = None


class DisagreeError(Exception):
    """Two patches expect different lines at one place: patches between them are missing."""


@dataclass(eq=False)
class GuessedFile:
    """A file that grows as hunks tell of it. ``is_closed`` when its end is known."""

    first: list[Cell] = field(default_factory=list)
    now: list[Cell] = field(default_factory=list)
    is_closed: bool = False

    def reach(self, count: int) -> None:
        """Have at least *count* lines."""
        missing = count - len(self.now)
        if missing > 0 and self.is_closed:
            raise DisagreeError("the file ends before the hunk")
        fresh = [Cell() for _ in range(missing)]
        self.first += fresh
        self.now += fresh

    def apply(self, hunks: tuple[Hunk, ...]) -> None:
        """Learn what *hunks* expect and put what they bring in place."""
        shift = 0
        for hunk in hunks:
            at = max(hunk.old_start - 1, 0) + shift if hunk.old_count else hunk.old_start + shift
            self.reach(at + hunk.old_count)
            self._lay(at, hunk)
            shift += hunk.new_count - hunk.old_count
            trailing = next((n for n, line in enumerate(reversed(hunk.lines)) if line.kind != " "), len(hunk.lines))
            if trailing < GIT_CONTEXT:
                if len(self.now) > at + hunk.new_count:
                    raise DisagreeError("the file goes on after its last hunk")
                self.is_closed = True

    def _lay(self, at: int, hunk: Hunk) -> None:
        result: list[Cell] = []
        old = iter(self.now[at : at + hunk.old_count])
        for line in hunk.lines:
            text = line.text + (b"\n" if line.newline else b"")
            if line.kind == "+":
                result.append(Cell(text))
                continue
            cell = next(old)
            if cell.text is not None and cell.text != text:
                raise DisagreeError("the hunk expects another line than the patches before it left")
            cell.text = text
            if line.kind == " ":
                result.append(cell)
        self.now[at : at + hunk.old_count] = result

    def fill(self, file: FilePatch) -> None:
        """Put the data of a binary part in place; only an empty file can be guessed from its id."""
        if self.now or file.old_blob not in (None, blob_id_of(b""), "0" * 40):
            raise DisagreeError("a binary file is changed, and nothing tells what it was")
        self.is_closed = True
        self.now = [Cell(line) for line in split_lines(apply_binary(file.binary or b"", b""))]

    def data(self) -> bytes:
        """Return the file as the first patch must find it."""
        tail = [] if self.is_closed else [Cell() for _ in range(GIT_CONTEXT + 2)]
        lines = [*self.first, *tail]
        return b"".join(
            b"filler %d\n" % number if cell.text is None else cell.text for number, cell in enumerate(lines)
        )


@dataclass(eq=False)
class GuessedTree:
    """The files that patches expect. ``base`` keeps those that the first tree must have."""

    files: dict[str, GuessedFile] = field(default_factory=dict)
    base: dict[str, GuessedFile] = field(default_factory=dict)
    modes: dict[str, int] = field(default_factory=dict)

    def take(self, patch: Patch) -> None:
        """Learn from *patch*. Raises DisagreeError when it does not fit what is known."""
        for file in patch.files:
            self._take(file)

    def _take(self, file: FilePatch) -> None:
        guessed = GuessedFile(is_closed=True) if file.old_path is None else self._known(file.old_path, file)
        if file.is_copy or file.is_rename:
            guessed = self._moved(file, guessed)
        if file.binary is not None:
            guessed.fill(file)
        guessed.apply(file.hunks)
        if file.new_path is not None:
            self.files[file.new_path] = guessed
        if file.old_path is not None and (file.new_path is None or file.is_rename):
            guessed.is_closed = True
            del self.files[file.old_path]

    def _moved(self, file: FilePatch, guessed: GuessedFile) -> GuessedFile:
        return guessed if file.is_rename else GuessedFile(guessed.first, list(guessed.now), guessed.is_closed)

    def _known(self, path: str, file: FilePatch) -> GuessedFile:
        if path not in self.files:
            if path in self.base:
                raise DisagreeError("the file was deleted by a patch before")
            self.files[path] = self.base[path] = GuessedFile()
            self.modes[path] = file.old_mode or 0o100644
        return self.files[path]

    def contents(self) -> dict[str, bytes]:
        """Return the files that the first patch must find."""
        return {path: guessed.data() for path, guessed in self.base.items()}


@dataclass(frozen=True)
class Run:
    """Patches that continue one another, with the base they fit. ``why_not`` tells why there is no base."""

    patches: tuple[Patch, ...]
    files: dict[str, bytes]
    modes: dict[str, int]
    why_not: str = ""


def runs(patches: list[Patch]) -> list[Run]:
    """Cut *patches* into runs that fit together."""
    found: list[Run] = []
    left = list(patches)
    while left:
        length, why = _fitting(left)
        tree = GuessedTree()
        for patch in left[:length]:
            tree.take(patch)
        found.append(Run(tuple(left[: length or 1]), tree.contents(), tree.modes, "" if length else why))
        left = left[length or 1 :]
    return found


def _fitting(patches: list[Patch]) -> tuple[int, str]:
    """Return how many of *patches* fit together from the first on, and why the next one does not."""
    tree = GuessedTree()
    for number, patch in enumerate(patches):
        try:
            tree.take(patch)
        except DisagreeError as error:
            return number, str(error)
    return len(patches), ""
