"""A git command while it runs: bounded in time, its errors read alongside its output."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from git import Git


@dataclass(frozen=True, slots=True)
class Answer:
    """What a git command came to. ``errors`` is what it wrote to standard error, at most 64 KiB of it."""

    code: int
    output: bytes
    errors: str

    @property
    def complaint(self) -> str:
        """Return the first line of the errors without git's ``fatal:``, for use in a sentence."""
        line = self.errors.strip().splitlines()[0] if self.errors.strip() else f"git exited with {self.code}"
        return line.removeprefix("fatal: ").removeprefix("error: ")


class Running:
    """A started git command: its output in chunks, its errors read alongside, stopped when its time is over."""

    def __init__(self, process: "Git.AutoInterrupt", seconds: float) -> None:
        self._process = process
        self._seconds = seconds
        self._errors = bytearray()
        self.code = 0
        self.is_late = False

    @property
    def errors(self) -> str:
        """Return what the command wrote to standard error, cut at 64 KiB."""
        return self._errors.decode("utf-8", "replace")

    def chunks(self) -> Iterator[bytes]:
        """Yield the output as it comes."""
        stream = self._process.stdout
        while stream is not None and (chunk := os.read(stream.fileno(), 1 << 16)):
            yield chunk

    def __enter__(self) -> "Running":
        self._timer = threading.Timer(self._seconds, self._expire)
        self._timer.daemon = True
        self._timer.start()
        self._drain = threading.Thread(target=self._read_errors, daemon=True)
        self._drain.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        process = self._process.proc
        if process is None:
            return
        if process.stdout is not None:
            process.stdout.close()  # a command that still prints ends on a broken pipe
        try:
            self.code = process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._kill()
            self.code = process.wait()
        self._drain.join(1)

    def _expire(self) -> None:
        self.is_late = True
        self._kill()

    def _kill(self) -> None:
        """Kill the command and its children, which would keep its output open."""
        process = self._process.proc
        if process is not None and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _read_errors(self) -> None:
        stream = self._process.stderr
        while stream is not None and (chunk := stream.read(1 << 12)):
            if len(self._errors) < 1 << 16:
                self._errors += chunk
