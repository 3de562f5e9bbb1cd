"""C that reviewers propose in replies: whole functions, and statements under quoted patch text."""

import re
from collections.abc import Iterator, Sequence

from ptlint.core.patch import PatchRef, Proposal, Series
from ptlint.mail.ccode import (
    function_name,
    is_function,
    is_statement,
    open_statements,
    squeezed,
    statement_kind,
)
from ptlint.mail.commentary import Chunk, chunks, code_blocks, dedented, prose_above
from ptlint.mail.message import Mail, body_text
from ptlint.mail.quoted_code import PatchLines, Place, QuotedCode, is_quoted_statement, lines_of
from ptlint.mail.quotes import Quoted, split_quotes, with_wrapped_ends

MAX_PROPOSALS = 200
"""Proposals taken from the replies to one series."""

# Words with which a reviewer introduces code of his own, and those with which he cites code that exists.
_PROPOSES = re.compile(
    r"\b(?:could|should|would|wonder|how about|what about|why not|maybe|perhaps|instead|rather|replac\w+|suggest\w*|"
    r"propos\w+|prefer|better|simply|simpler|simplif\w+|neater|cleaner|nicer|change|make|want|needs?|must|missing|add|use|"
    r"try|let'?s|like (?:this|so|that|the following)|something like|turn|i\.e)\b",
    re.IGNORECASE,
)
_CITES = re.compile(
    r"\b(?:does|did|doesn't|had|used to|currently|existing|today|already|defines|defined|calls|looks like|we have|"
    r"it has|is:|are:|was:)",
    re.IGNORECASE,
)
_REPLACES = re.compile(
    r"\b(?:be|instead|rather|replac\w+|change|make|turn|simp\w+|neater|cleaner|nicer|better|prefer|how about|"
    r"why not|maybe)\b",
    re.IGNORECASE,
)
_HEAD = re.compile(r"\s*(?:[A-Za-z_]\w*[\s*]+)+\**([A-Za-z_]\w*)\s*\(")
_ASSIGNED = re.compile(r"\s*([A-Za-z_][\w.\->\[\]]*)\s*(?:[-+|&^]|<<|>>)?=(?!=)")
_MAX_FUNCTION_LINES = 400


def find_proposals(series: Series, replies: Sequence[Mail]) -> tuple[Proposal, ...]:
    """Return what *replies* propose to the patches of *series*, in the order of the mails, each once.

    Of a text that several mails quote, the one with the fewest quote marks is kept: there its author speaks.
    """
    patches = [lines_of(patch) for patch in series.patches]
    found: dict[tuple[str, str, str], tuple[int, Proposal]] = {}
    for mail in replies:
        if len(found) >= MAX_PROPOSALS:
            break
        for depth, proposal in _proposals_of(mail, patches):
            key = (proposal.kind, proposal.function, squeezed(proposal.text))
            if key not in found or depth < found[key][0]:
                found[key] = (depth, proposal)
    return tuple(proposal for _, proposal in found.values())


def _proposals_of(mail: Mail, patches: Sequence[PatchLines]) -> Iterator[tuple[int, Proposal]]:
    lines = body_text(mail.info)
    if not any(line.rstrip("\xa0 \t").endswith((";", "}")) for line in lines):
        return
    quoted = with_wrapped_ends(split_quotes(lines))
    if mail.is_patch:
        quoted = quoted[: max(mail.info.patch_line - 1, 0)]
    code = QuotedCode(quoted, _answered(mail, patches))
    if not code.depths:
        return
    for chunk in chunks(quoted, code, mail):
        for proposal in (*_functions(chunk, mail, code), *_statements(chunk, mail)):
            yield chunk.depth, proposal


def _answered(mail: Mail, patches: Sequence[PatchLines]) -> tuple[PatchLines, ...]:
    """Return the patches that *mail* may quote, those first that its references or its subject name."""
    named = {*mail.references, mail.message_id}
    first = [
        lines
        for lines in patches
        if (lines.patch.ref.message_id and lines.patch.ref.message_id in named)
        or lines.patch.ref.subject == mail.info.subject
    ]
    return (*first, *(lines for lines in patches if not any(lines is one for one in first)))


def _functions(chunk: Chunk, mail: Mail, code: QuotedCode) -> Iterator[Proposal]:
    """Yield the whole function definitions of a chunk.

    One that the patches do not show is a proposal only when the words above it say so: else it is cited.
    """
    for start, _, text, name in _definitions(chunk.lines):
        place = code.definition_of(name)
        prose = prose_above(chunk.lines, start)
        proposes, cites = _PROPOSES.search(prose), _CITES.search(prose)
        if code.defines(text) or (not proposes and (cites or place is None)):
            continue
        notes = () if place else ("no patch of the series shows a function of this name",)
        yield _proposal("function", text, chunk.lines[start], chunk, mail, place or chunk.under, name, notes)


def _definitions(lines: Sequence[Quoted]) -> Iterator[tuple[int, int, str, str]]:
    """Yield start, end, text and name of the functions that *lines* define."""
    at = 0
    while at < len(lines):
        end = _function_end(lines, at) if _HEAD.match(lines[at].text) else 0
        text = dedented(lines[at:end]) if end else ""
        name = function_name(text) if text and is_function(text) else ""
        if name:
            yield at, end, text, name
        at = end if name else at + 1


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


def _statements(chunk: Chunk, mail: Mail) -> Iterator[Proposal]:
    """Yield the statements that a chunk proposes right under quoted patch text.

    Code in a row is one proposal; code that is only sketched (``foo(...)``) does not parse and is none.
    """
    place = chunk.under
    if place is None or not place.function or any(_definitions(chunk.lines)):
        return
    for block, prose in code_blocks(chunk.lines):
        text = dedented(block)
        if not is_statement(text) or is_quoted_statement(text, place):
            continue
        replaces, why = _replaced(text, place, prose)
        if place.closes_function and not replaces:
            continue
        if not prose or replaces or _PROPOSES.search(prose):
            yield _proposal("statement", text, block[0], chunk, mail, place, place.function, (why,), replaces)


def _proposal(
    kind: str,
    text: str,
    first: Quoted,
    chunk: Chunk,
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
            0,
            place.patch.ref.total if place else 0,
            mail.message_id,
            " ".join(mail.info.get("subject").split()),
            f"{function}()" if kind == "function" else " ".join(text.strip().split("\n")[0].split()),
            first.number,
        ),
        author=chunk.author,
        answers=place.patch.ref if place else None,
        function=function,
        after=chunk.under.lines_above if chunk.under else (),
        source=mail.raw.source,
        source_line=first.number,
        replaces=replaces,
        notes=notes,
        path=place.path if place else "",
    )


def _replaced(text: str, place: Place, cue: str) -> tuple[tuple[str, ...], str]:
    """Return the quoted statement that *text* stands for, and why that is assumed; nothing when it is added below."""
    kind = statement_kind(text)
    statement = _last_statement(place.lines_above) if kind == "expression" else _last_of_kind(kind, place)
    if statement:
        mine, theirs = _ASSIGNED.match(text), _ASSIGNED.match(statement[0])
        if kind == "expression" and mine and theirs and mine[1] == theirs[1]:
            return statement, f"assumed to replace the quoted statement above it: both assign {mine[1]}"
        if word := _REPLACES.search(cue):
            said = word[0].lower()
            return statement, f'assumed to replace the quoted statement above it: the reviewer says "{said}"'
    return (), "assumed to be added below the quoted line"


def _last_of_kind(kind: str, place: Place) -> tuple[str, ...]:
    """Return the lines of the innermost statement of a sort that ends the quoted code, none when there is none."""
    body = place.body_above
    starts = [start for found, start in open_statements(body) if found == kind] if body else []
    lines = [line.strip() for line in body[starts[-1] :] if line.strip()] if starts else []
    return tuple(lines[:-1] if lines and place.closes_function else lines)


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
