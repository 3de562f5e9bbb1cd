"""ptlint: checks Linux kernel patch series for broken page-table contracts by running the patched C."""

__version__ = "0.1.0"
