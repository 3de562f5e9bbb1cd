"""Functions for tests of the passes: C in, views out, over the reference tree."""

from ptlint.csrc.universe import SourceText, load_universe
from ptlint.engine.reference import REFERENCE
from ptlint.passes.functions import Book, View
from ptlint.passes.shown import changes_in_text
from ptlint.reference import reference_tree


def views(code: str, path: str = "mm/some.c") -> dict[str, View]:
    """Return the functions of *code* by name, as if a patch had brought them."""
    texts = {one.name: SourceText(path, one.span.line, one.text) for one in changes_in_text(path, code)}
    tree = reference_tree()
    book = Book(tree, (REFERENCE,), texts, lambda profile: load_universe(tree, profile, overrides=texts))
    found = {name: book.view(path, name) for name in texts}
    return {name: view for name, view in found.items() if view is not None}


def view(code: str) -> View:
    """Return the only function of *code*."""
    (found,) = views(code).values()
    return found
