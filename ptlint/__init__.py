"""ptlint: checks Linux kernel patch series for broken page-table contracts by running the patched C."""

from ptlint import compiled

__version__ = "0.1.0"

SCHEMA_VERSION = 1
"""Of the JSON report. It grows when a key changes its meaning or goes; new keys may come without it."""

COMPILED = compiled.use()
"""Whether modules run that are compiled."""
