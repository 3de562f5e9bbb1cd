"""Programs on a terminal of their own, by way of tmux: keys in, screens out."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.interfaces.transcript import plain
from tests.shared import program


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, folder: Path, command: str) -> None:
        self._tmux = [program("tmux"), "-S", str(folder / "tmux"), "-f", os.devnull]
        self._done = 0
        # The size of another terminal may stand in the environment.
        command = f"exec env -u COLUMNS -u LINES {command}"
        size = ("-x", "160", "-y", "50")
        subprocess.run([*self._tmux, "new-session", "-d", *size, "-c", str(folder), command], check=True)

    def screen(self) -> str:
        done = subprocess.run([*self._tmux, "capture-pane", "-p"], capture_output=True, check=True)
        return plain(done.stdout.decode())

    def press(self, key: str, until: Callable[[str], object], seconds: float = 60, *, past: str = "") -> str:
        """Press a key and return the first screen that *until* accepts; a window called *past* is closed first.

        What runs behind the screen may open such a window again after it was closed.
        """
        if key:
            subprocess.run([*self._tmux, "send-keys", "--", key], check=True)
        end = time.monotonic() + seconds
        while not until(screen := self.screen()):
            assert time.monotonic() < end, f"after {key!r}:\n{screen}"
            if past and past in screen:
                subprocess.run([*self._tmux, "send-keys", "Escape"], check=True)
                time.sleep(1)  # a key right behind Escape would be read as Alt and that key
                subprocess.run([*self._tmux, "send-keys", "--", key], check=True)
            time.sleep(0.1)
        return screen

    def enter(self, line: str) -> None:
        """Type a line for a shell and wait until it was carried out."""
        self._done += 1
        self.press(f"{line}; echo do''ne {self._done}", lambda _: True)
        self.press("Enter", lambda screen: f"done {self._done}\n" in screen)

    def close(self) -> None:
        subprocess.run([*self._tmux, "kill-server"], capture_output=True)
