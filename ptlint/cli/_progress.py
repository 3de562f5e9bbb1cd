"""What a long run is doing, on standard error: only on a terminal, only after a second, and wiped at the end."""

import sys
import threading
import time
from types import TracebackType

DELAY = 1.0
"""Seconds that a run may take before it says what it does."""

_WIPE = "\r\x1b[K"


class Progress:
    """A line on standard error that tells what was last told to it. Called with a few words; used as a context."""

    def __init__(self) -> None:
        self._what = ""
        self._shown = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, what: str) -> None:
        """Note *what* is being done."""
        self._what = what

    def __enter__(self) -> "Progress":
        try:
            is_terminal = sys.stderr.isatty()
        except (AttributeError, ValueError):
            is_terminal = False
        if is_terminal:
            self._thread = threading.Thread(target=self._show, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._over.set()
        if self._thread is not None:
            self._thread.join()
            if self._shown:
                sys.stderr.write(_WIPE)
                sys.stderr.flush()

    def _show(self) -> None:
        start = time.monotonic()
        wait = DELAY
        while not self._over.wait(wait):
            wait = 0.5
            line = f"ptlint: {self._what or 'working'}, {time.monotonic() - start:.0f} s"
            sys.stderr.write(_WIPE + "".join(char if char.isprintable() else "?" for char in line)[:100])
            sys.stderr.flush()
            self._shown = True
