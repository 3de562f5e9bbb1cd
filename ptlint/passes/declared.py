"""Whether a name is declared where it is used: the order of declarations in one file."""

from __future__ import annotations

from ptlint.passes.functions import View


def declared_below(view: View, name: str) -> int:
    """Return the line of the first declaration of *name* when it stands in the file of *view*, below it; else 0.

    0 as well for macros, parameters and local names, for what any other file declares, and for what is not static.
    """
    if name in view.param_names or name == view.name or name.startswith("__builtin_"):
        return 0
    overrides = view.book.overrides
    if view.name in overrides:
        other = overrides.get(name)
        if other is None or other.path != view.path or view.universe.headers.sites(name):
            return 0
        return other.line if other.line > view.definition.end.line and not view.universe.macro(name) else 0
    is_code = view.path.endswith(".c") and view.book.tree.exists(view.path)
    scope = view.universe.in_file(view.path) if is_code else view.universe.headers
    if scope.macro(name) is not None or view.universe.macro(name) is not None:
        return 0
    sites = [*scope.sites(name), *(view.universe.headers.sites(name) if is_code else ())]
    if not sites or any(site.instance.path != view.path for site in sites):
        return 0
    callee = view.lookup(name)
    if callee is None or "static" not in callee.definition.storage:
        return 0  # a header that is not there may declare it
    first = min(site.line for site in sites)
    return first if first > view.definition.end.line else 0
