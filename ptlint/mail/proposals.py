"""C that reviewers propose in replies: whole functions, and statements under quoted patch text."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ptlint.core.patch import Patch, PatchRef, Proposal, Series
from ptlint.mail.ccode import function_name, is_function, is_statement, squeezed
from ptlint.mail.message import Mail, body_text
from ptlint.mail.quoted_code import Place, QuotedCode, is_quoted_statement
from ptlint.mail.quotes import Quoted, authors_by_depth, split_quotes

MAX_PROPOSALS = 200
"""Proposals taken from the replies to one series."""

_REPLACES = re.compile(
    r"could (?:just )?be|should (?:just )?be|instead|rather|how about|what about|why not|maybe|perhaps|replace|"
    r"simply|better|change (?:it|this)|suggest|would be|prefer|or just|make (?:it|this)",
    re.IGNORECASE,
)
_HEAD = re.compile(r"\s*(?:[A-Za-z_]\w*[\s*]+)+\**([A-Za-z_]\w*)\s*\(")
_ASSIGNED = re.compile(r"\s*([A-Za-z_][\w.\->\[\]]*)\s*(?:[-+|&^]|<<|>>)?=(?!=)")
_MAX_FUNCTION_LINES = 400


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Lines of one depth that one person wrote in a row, and the quoted patch line right above them."""

    lines: tuple[Quoted, ...]
    under: Place | None
    author: str

    @property
    def depth(self) -> int:
        return self.lines[0].depth


@dataclass(slots=True)
class _Run:
    """A chunk while it is read."""

    lines: list[Quoted] = field(default_factory=list)
    under: Place | None = None


def find_proposals(series: Series, replies: Sequence[Mail]) -> tuple[Proposal, ...]:
    """Return what *replies* propose to the patches of *series*, in the order of the mails, each once.

    Of a text that several mails quote, the one with the fewest quote marks is kept: there its author speaks.
    """
    found: dict[tuple[str, str, str], tuple[int, Proposal]] = {}
    for mail in replies:
        if len(found) >= MAX_PROPOSALS:
            break
        for depth, proposal in _proposals_of(mail, series):
            key = (proposal.kind, proposal.function, squeezed(proposal.text))
            if key not in found or depth < found[key][0]:
                found[key] = (depth, proposal)
    return tuple(proposal for _, proposal in found.values())


def _proposals_of(mail: Mail, series: Series) -> Iterator[tuple[int, Proposal]]:
    lines = body_text(mail.info)
    if not any(line.rstrip("\xa0 \t").endswith((";", "}")) for line in lines):
        return
    quoted = split_quotes(lines)
    code = QuotedCode(quoted, _answered(mail, series))
    if not code.depths:
        return
    for chunk in _chunks(quoted, code, mail):
        for proposal in (*_functions(chunk, mail, code), *_statements(chunk, mail)):
            yield chunk.depth, proposal


def _answered(mail: Mail, series: Series) -> tuple[Patch, ...]:
    """Return the patches that *mail* may quote, those first that its references or its subject name."""
    named = {*mail.references, mail.message_id}
    first = [
        patch
        for patch in series.patches
        if (patch.ref.message_id and patch.ref.message_id in named) or patch.ref.subject == mail.info.subject
    ]
    return (*first, *(patch for patch in series.patches if patch not in first))


def _chunks(quoted: Sequence[Quoted], code: QuotedCode, mail: Mail) -> Iterator[_Chunk]:
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


def _closed(run: _Run, names: dict[int, str], mail: Mail) -> _Chunk:
    depth = run.lines[0].depth
    return _Chunk(tuple(run.lines), run.under, names.get(depth, "") if depth else mail.author)


def _functions(chunk: _Chunk, mail: Mail, code: QuotedCode) -> Iterator[Proposal]:
    """Yield the whole function definitions of a chunk."""
    at = 0
    while at < len(chunk.lines):
        end = _function_end(chunk.lines, at) if _HEAD.match(chunk.lines[at].text) else 0
        text = _dedented(chunk.lines[at:end]) if end else ""
        name = function_name(text) if text else ""
        if not name:
            at += 1
            continue
        if is_function(text) and not code.defines(text):
            place = code.definition_of(name)
            notes = () if place else ("no patch of the series shows a function of this name",)
            yield _proposal("function", text, chunk.lines[at], chunk, mail, place or chunk.under, name, notes)
        at = end


def _function_end(lines: Sequence[Quoted], start: int) -> int:
    """Return the place behind the brace that closes the function starting at *start*, 0 when there is none."""
    depth = 0
    opened = False
    for at in range(start, min(len(lines), start + _MAX_FUNCTION_LINES)):
        text = lines[at].text
        if not opened and "{" not in text and (not text.strip() or text.rstrip().endswith((";", ".", ":"))):
            return 0
        depth += text.count("{") - text.count("}")
        opened = opened or "{" in text
        if opened and depth <= 0:
            return at + 1
    return 0


def _statements(chunk: _Chunk, mail: Mail) -> Iterator[Proposal]:
    """Yield the statements that a chunk proposes right under quoted patch text."""
    place = chunk.under
    if place is None or not place.function:
        return
    prose: list[str] = []
    for paragraph in _paragraphs(chunk.lines):
        lead, run = _code_run(paragraph)
        prose += lead
        text = _dedented(run) if run else ""
        if text and is_statement(text) and not is_quoted_statement(text, place):
            replaces, why = _replaced(text, place.lines_above, " ".join(prose))
            yield _proposal("statement", text, run[0], chunk, mail, place, place.function, (why,), replaces)
        prose += [line.text for line in run]


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


def _code_run(paragraph: Sequence[Quoted]) -> tuple[list[str], list[Quoted]]:
    """Return the prose a paragraph starts with, up to a line that ends in a colon, and what may be code below it."""
    leads = [
        at + 1 for at, line in enumerate(paragraph) if line.text.rstrip().endswith(":") and "case " not in line.text
    ]
    start = leads[-1] if leads else 0
    run = list(paragraph[start:])
    while run and not run[-1].text.rstrip().endswith((";", "}")):
        run.pop()
    return [line.text for line in paragraph[:start]], run


def _proposal(
    kind: str,
    text: str,
    first: Quoted,
    chunk: _Chunk,
    mail: Mail,
    place: Place | None,
    function: str,
    notes: tuple[str, ...],
    replaces: tuple[str, ...] = (),
) -> Proposal:
    if not chunk.author:
        notes += (f"who wrote it at quote depth {chunk.depth} is not said",)
    elif chunk.depth:
        notes += (f"found in a quote at depth {chunk.depth}; the author is the one of the attribution line",)
    return Proposal(
        kind=kind,
        text=text,
        ref=PatchRef(
            0, place.patch.ref.total if place else 0, mail.message_id, " ".join(mail.info.get("subject").split())
        ),
        author=chunk.author,
        answers=place.patch.ref if place else None,
        function=function,
        after=chunk.under.lines_above if chunk.under else (),
        source=mail.raw.source,
        source_line=first.number,
        replaces=replaces,
        notes=notes,
    )


def _replaced(text: str, above: Sequence[str], cue: str) -> tuple[tuple[str, ...], str]:
    """Return the quoted statement that *text* stands for, and why that is assumed; nothing when it is added below."""
    statement = _last_statement(above)
    if not statement:
        return (), "assumed to be added below the quoted line"
    mine, theirs = _ASSIGNED.match(text), _ASSIGNED.match(statement[0])
    if mine and theirs and mine[1] == theirs[1]:
        return statement, f"assumed to replace the quoted statement above it: both assign {mine[1]}"
    if word := _REPLACES.search(cue):
        return statement, f'assumed to replace the quoted statement above it: the reviewer says "{word[0]}"'
    return (), "assumed to be added below the quoted line"


def _last_statement(above: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of the statement that ends the quoted code, none when it ends in something else."""
    if not above or not above[-1].rstrip().endswith(";"):
        return ()
    lines = [above[-1].strip()]
    for line in reversed(above[:-1]):
        if line.rstrip().endswith((";", "{", "}", ":", ")", "else", "*/")):
            break
        lines.insert(0, line.strip())
    return tuple(lines)


def _dedented(lines: Sequence[Quoted]) -> str:
    """Return *lines* without the indentation that all of them share, tabs kept."""
    import textwrap

    return textwrap.dedent("\n".join(line.text.rstrip() for line in lines)).strip("\n") + "\n"
