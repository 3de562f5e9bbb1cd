"""Preprocessing tokens of C text, each with its place in the real file."""

import re
from typing import NamedTuple

NOTHING: frozenset[str] = frozenset()


class Token(NamedTuple):
    """A preprocessing token.

    ``kind`` is ``id``, ``num``, ``str``, ``char``, ``punct``, ``other`` (a character that begins no token) or ``eof``.
    ``line`` and ``column`` count from 1, columns in bytes. ``space`` tells white space (or a comment) before it.
    ``macro`` is the outermost macro whose expansion produced it, ``hide`` the macros it may no longer expand.
    """

    kind: str
    text: str
    path: str
    line: int
    column: int
    space: bool = False
    macro: str = ""
    hide: frozenset[str] = NOTHING


# No input makes it backtrack far: what repeats is possessive or decided by its first character. Groups are repeated
# greedily, because Python before 3.11.5 fails to match possessive groups with alternatives (gh-106052). An unterminated
# comment runs to the end of the text; an unterminated literal is its quote alone.
_TOKEN = re.compile(
    r"""
    (?:[ \t\r\n\f\v]++|//[^\n]*+|/\*[^*]*+(?:\*(?!/)[^*]*+)*(?:\*/|\Z))*
    (?:
      ((?:u8|[uUL])?"[^"\\\n]*+(?:\\.[^"\\\n]*+)*")
    | ((?:u8|[uUL])?'[^'\\\n]*+(?:\\.[^'\\\n]*+)*')
    | ([A-Za-z_$\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*+)
    | (\.?[0-9](?:[eEpP][+-]|[A-Za-z0-9_.])*)
    | (\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|&&|\|\||\#\#|[-+*/%&|^<>=!]=|[-+*/%&|^<>=!~?:;,.()\[\]{}\#])
    | (.)
    | (\Z)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_KINDS = ("", "str", "char", "id", "num", "punct", "other", "eof")
_SPLICE = re.compile(r"\\[ \t\r\f\v]*+\n|(\n)")
_SPLICED = re.compile(r"\\[ \t\r\f\v]*+\n")
_SPLICE_AFTER_SPACE = re.compile(r"\\[ \t\r\f\v]+\n")
_new_token = tuple.__new__


def tokenize(text: str | bytes, path: str, line: int = 1, column: int = 1) -> list[Token]:
    """Return the tokens of *text*, which stands in *path* from *line* and *column* on.

    Bytes are read as latin-1, so that every byte is one column. Comments are white space, continued lines are joined;
    positions stay those of the file. No ``eof`` token is added. Never fails.
    """
    source = text.decode("latin-1") if isinstance(text, bytes) else text
    source, starts = _join_lines(source)
    starts.append(len(source) + 2)
    tokens: list[Token] = []
    append, kinds, new_token, nothing = tokens.append, _KINDS, _new_token, NOTHING
    base, following, index = 1 - column, starts[0], 0
    for match in _TOKEN.finditer(source):
        group = match.lastindex
        assert group is not None
        start = match.start(group)
        if group == 7:
            break
        while following <= start:
            line += 1
            base = following
            index += 1
            following = starts[index]
        append(
            new_token(
                Token,
                (kinds[group], match[group], path, line, start - base + 1, start != match.start(), "", nothing),
            )
        )
    return tokens


def _join_lines(source: str) -> tuple[str, list[int]]:
    # The text without its continuations, and the offset in it at which each further line begins.
    starts: list[int] = []
    if "\\" not in source or ("\\\n" not in source and _SPLICE_AFTER_SPACE.search(source) is None):
        at = source.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = source.find("\n", at + 1)
        return source, starts
    removed = 0
    for match in _SPLICE.finditer(source):
        if match[1] is None:
            removed += match.end() - match.start()
        starts.append(match.end() - removed)
    return _SPLICED.sub("", source), starts


def spelling(tokens: list[Token] | tuple[Token, ...]) -> str:
    """Return the text of *tokens* with one space where there was white space."""
    return "".join(" " + token.text if token.space and number else token.text for number, token in enumerate(tokens))
