"""Report formats: one module each, found by looking into this folder. A leading underscore marks a shared part.

A format has ``report(report, out)``. It may have

- ``ADVISORY = True`` when its reader takes the exit code of a finished check for a failure of the check itself: the
  command then ends with 0 once the report is written. Such a format shows what was found and not how it was looked for;
- ``report_series(report, out)`` when a series that was asked for by one of its mails is written differently;
- ``nothing_known(out)`` for a series that was asked for so and is not at hand.
"""

import importlib
import pkgutil
from typing import Protocol, TextIO, cast

from ptlint.core.report import Report


class Format(Protocol):
    """A module of this folder."""

    def report(self, report: Report, out: TextIO) -> None:
        """Write *report* to *out*. The same report always gives the same text."""


def format_names() -> tuple[str, ...]:
    """Return the names that ``--format`` takes, sorted."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return tuple(sorted(name.replace("_", "-") for name in modules if not name.startswith("_")))


def load_format(name: str) -> Format:
    """Return the format called *name*, which must be one of ``format_names()``."""
    return cast(Format, importlib.import_module(f"{__name__}.{name.replace('-', '_')}"))
