"""What people write between quoted patch text: who wrote it, what is prose and what may be code."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ptlint.mail.message import Mail
from ptlint.mail.quoted_code import Place, QuotedCode
from ptlint.mail.quotes import Quoted, authors_by_depth

_PROSE_HEAD = re.compile(r"\S.*[^;{}(),\\&|=]\s*\Z")
_KEYWORD = re.compile(r"(?:if|for|while|else|do|switch|return|case|default|goto)\b|[}{#/]")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines of one depth that one person wrote in a row, and the quoted patch line right above them."""

    lines: tuple[Quoted, ...]
    under: Place | None
    author: str

    @property
    def depth(self) -> int:
        """Return the quote depth of the lines."""
        return self.lines[0].depth


@dataclass(slots=True)
class _Run:
    """A chunk while it is read."""

    lines: list[Quoted] = field(default_factory=list)
    under: Place | None = None


def chunks(quoted: Sequence[Quoted], code: QuotedCode, mail: Mail) -> Iterator[Chunk]:
    """Yield the runs of lines of one depth that are not text of the patch mail. Empty lines do not end a run."""
    names = authors_by_depth(quoted)
    run = _Run()
    under: Place | None = None
    for line in quoted:
        is_patch = code.is_patch_depth(line.depth)
        if not line.text.strip():
            if run.lines and line.depth == run.lines[0].depth:
                run.lines.append(line)
            continue
        if run.lines and (is_patch or line.depth != run.lines[0].depth):
            yield _closed(run, names, mail)
            run = _Run()
            under = None
        if is_patch:
            under = code.place_of(line.number)
        elif run.lines:
            run.lines.append(line)
        else:
            run = _Run([line], under)
    if run.lines:
        yield _closed(run, names, mail)


def _closed(run: _Run, names: dict[int, str], mail: Mail) -> Chunk:
    depth = run.lines[0].depth
    return Chunk(tuple(run.lines), run.under, names.get(depth, "") if depth else mail.author)


def prose_above(lines: Sequence[Quoted], at: int) -> str:
    """Return the paragraph above line *at* of a chunk, ``""`` when there is none."""
    above = [line.text.strip() for line in lines[:at]]
    while above and not above[-1]:
        above.pop()
    start = max((place + 1 for place, text in enumerate(above) if not text), default=0)
    return " ".join(above[start:])


def code_blocks(lines: Sequence[Quoted]) -> Iterator[tuple[list[Quoted], str]]:
    """Yield the runs of paragraphs that may be code, each with the paragraph of prose right above it."""
    block: list[Quoted] = []
    prose: list[Quoted] = []
    for paragraph in _paragraphs(lines):
        start, end = _code_range(paragraph)
        if block and start:
            yield block, _joined(prose)
            block = []
        if start:
            prose = paragraph[:start]
        block += paragraph[start:end]
        if block and end < len(paragraph):
            yield block, _joined(prose)
            block, prose = [], paragraph[end:]
    if block:
        yield block, _joined(prose)


def _joined(prose: Sequence[Quoted]) -> str:
    return " ".join(line.text.strip() for line in prose)


def _paragraphs(lines: Sequence[Quoted]) -> Iterator[list[Quoted]]:
    paragraph: list[Quoted] = []
    for line in lines:
        if line.text.strip():
            paragraph.append(line)
        elif paragraph:
            yield paragraph
            paragraph = []
    if paragraph:
        yield paragraph


def _code_range(paragraph: Sequence[Quoted]) -> tuple[int, int]:
    """Return where the code of a paragraph starts and ends: behind its prose, up to a line that ends a statement."""
    end = next((at + 1 for at in range(len(paragraph) - 1, -1, -1) if _ends_statement(paragraph[at].text)), 0)
    start = next((at + 1 for at in range(end - 1, -1, -1) if _is_prose(paragraph[at].text)), 0)
    return (start, end) if start < end else (len(paragraph), len(paragraph))


def _ends_statement(text: str) -> bool:
    return text.rstrip().endswith((";", "}"))


def _is_prose(text: str) -> bool:
    """Return whether a line can only be prose: it ends in a colon, or it is neither indented nor C in its shape."""
    if text.rstrip().endswith(":"):
        return not re.match(r"\s*(?:case\b.*|default|\w+):\s*\Z", text)
    return bool(_PROSE_HEAD.match(text)) and not _KEYWORD.match(text)


def dedented(lines: Sequence[Quoted]) -> str:
    """Return *lines* without the indentation that all of them share, tabs kept."""
    import textwrap

    return textwrap.dedent("\n".join(line.text.rstrip() for line in lines)).strip("\n") + "\n"
