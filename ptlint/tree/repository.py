"""A git repository opened for reading: which commands are run, in which environment, and how objects are read.

Nothing here writes below the repository. Every variable that leads git to a repository, an index or an object store
is set, so that a caller's environment (a hook's, for instance) cannot lead it elsewhere, and everything that git may
execute or fetch on behalf of a repository's own configuration is switched off.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, NamedTuple

from ptlint.errors import ObjectError, TreeError
from ptlint.tree.loose import has_replacements, read_loose
from ptlint.tree.process import Answer, Running
from ptlint.tree.sealed import ENVIRONMENT, OPTIONS

if TYPE_CHECKING:
    from git import Git

MAX_OUTPUT = 256 << 20
"""Bytes that one git command may print before it is stopped."""

MAX_SECONDS = 60.0
"""Seconds that one git command may take."""

HELD_SIZE = 8 << 10
MOST_HELD = 2000
"""Bytes of the objects that are held after they were read, and their number: 16 MiB at most."""


class _Reader(NamedTuple):
    """A running ``git cat-file --batch`` and the process that may use it."""

    pid: int
    process: "Git.AutoInterrupt"
    asking: IO[bytes]
    answers: IO[bytes]


@dataclass(eq=False)
class Repository:
    """An opened repository. ``worktree`` is None for a bare one; ``hex_length`` is 40 or 64 (SHA-256).

    Not for use by several threads at once; a forked child starts its own reader.
    """

    path: Path
    git_dir: Path
    common_dir: Path
    worktree: Path | None
    hex_length: int
    _git: "Git"
    _reader: "_Reader | None" = field(default=None, repr=False)
    _held: dict[str, tuple[str, bytes]] = field(default_factory=dict, repr=False)

    @cached_property
    def _is_replaced(self) -> bool:
        return has_replacements(self.common_dir)

    @property
    def index_file(self) -> Path:
        """Return the index that counts: ``GIT_INDEX_FILE``, as ``git commit`` hands it to its hooks, else the usual."""
        named = os.environ.get("GIT_INDEX_FILE")
        return (self.worktree or self.git_dir) / named if named else self.git_dir / "index"

    def run(
        self,
        *arguments: str,
        stdin: bytes = b"",
        environment: Mapping[str, str] | None = None,
        seconds: float = MAX_SECONDS,
        limit: int = MAX_OUTPUT,
    ) -> Answer:
        """Run a git command and return its answer, whatever its exit code.

        Raises TreeError when it takes longer than *seconds* or prints more than *limit* bytes.
        """
        import tempfile

        output = bytearray()
        with tempfile.TemporaryFile() as source:
            source.write(stdin)
            source.seek(0)
            with Running(self._start(arguments, source, environment), seconds) as running:
                for chunk in running.chunks():
                    output += chunk
                    if len(output) > limit:
                        raise TreeError(f"{self.path}: git {arguments[0]} prints more than {limit >> 20} MiB; stopped")
        if running.is_late:
            raise TreeError(f"{self.path}: git {arguments[0]} took longer than {seconds:.0f} seconds; stopped")
        return Answer(running.code, bytes(output), running.errors)

    def lines(self, *arguments: str, seconds: float) -> Iterator[str]:
        """Yield the lines that a git command prints, for as long as *seconds* allow; then end quietly."""
        rest = b""
        with Running(self._start(arguments, None, None), seconds) as running:
            for chunk in running.chunks():
                *whole, rest = (rest + chunk).split(b"\n")
                yield from (line.decode("utf-8", "surrogateescape") for line in whole)

    def ask(self, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None) -> bytes:
        """Run a git command that is expected to succeed and return its output; raise TreeError when it does not."""
        answer = self.run(*arguments, stdin=stdin, environment=environment)
        if answer.code:
            raise TreeError(f"{self.path}: git {arguments[0]} failed: {answer.complaint}")
        return answer.output

    def resolve(self, revision: str, kind: str) -> str | None:
        """Return the id of *revision* as a ``commit``, ``tree`` or ``blob``, or None when it names none."""
        if not revision or any(ord(character) < 32 for character in revision):
            return None
        wanted = f"{revision}^{{{kind}}}"
        answer = self.run("rev-parse", "--verify", "--quiet", "--end-of-options", wanted)
        found = answer.output.decode("ascii", "replace").strip()
        return found if answer.code == 0 and len(found) == self.hex_length else None

    def read(self, object_id: str) -> tuple[str, bytes] | None:
        """Return kind and bytes of the object with this full id, or None when the repository does not have it.

        An object in a file of its own is read here, where none is replaced; one ``git cat-file --batch`` serves all
        other reads: about 0.1 ms each. gitdb's own reader is three times as fast, but GitPython has deprecated it for
        its security. Small objects are held: makefiles and folders are read for each configuration.
        """
        found = self._held.get(object_id)
        if found is None:
            loose = None if self._is_replaced else read_loose(self.common_dir / "objects", object_id)
            found = loose or self._read(object_id)
            if found is not None and len(found[1]) <= HELD_SIZE:
                if len(self._held) >= MOST_HELD:
                    self._held.clear()
                self._held[object_id] = found
        return found

    def _read(self, object_id: str) -> tuple[str, bytes] | None:
        _, _, asking, answers = self._open_reader()
        try:
            asking.write(object_id.encode("ascii", "replace") + b"\n")
            asking.flush()
            header = answers.readline().split()
        except BrokenPipeError:
            header = []
        if len(header) == 2 and header[1] in (b"missing", b"ambiguous"):
            return None
        if len(header) != 3:
            self._reader = None
            raise ObjectError(f"{self.path}: object {object_id[:12]} is damaged, or not fetched yet (a partial clone)")
        size = int(header[2])
        data = answers.read(size + 1)
        if len(data) != size + 1:
            self._reader = None
            raise ObjectError(f"{self.path}: object {object_id[:12]} is damaged; run git fsck there")
        return header[1].decode("ascii"), data[:-1]

    def object_ids(self, names: Iterable[str]) -> list[str | None]:
        """Return the full object id that each of *names* (``COMMIT:PATH``, an abbreviated id) stands for, or None."""
        asked = [name.replace("\n", "\0") for name in names]
        text = "".join(name + "\n" for name in asked).encode("utf-8", "surrogateescape")
        answer = self.ask("cat-file", "--batch-check=%(objectname)", stdin=text).splitlines()
        ids = [line.decode("ascii", "replace") if len(line) == self.hex_length else None for line in answer]
        return ids if len(ids) == len(asked) else [None] * len(asked)

    def _open_reader(self) -> "_Reader":
        if self._reader is None or self._reader.pid != os.getpid():
            process = self._start(("cat-file", "--batch"), subprocess.PIPE, None)
            if process.stdin is None or process.stdout is None:
                raise TreeError(f"{self.path}: git cat-file could not be started")
            self._reader = _Reader(os.getpid(), process, process.stdin, process.stdout)
        return self._reader

    def _start(
        self, arguments: tuple[str, ...], stdin: BinaryIO | int | None, environment: Mapping[str, str] | None
    ) -> "Git.AutoInterrupt":
        return self._git.execute(
            ["git", *OPTIONS, *arguments],
            istream=stdin,
            as_process=True,
            start_new_session=True,  # so that a late command is stopped together with what it started
            env={**ENVIRONMENT, **self._places(), **(environment or {})},
        )

    def _places(self) -> dict[str, str]:
        places = {
            "GIT_DIR": str(self.git_dir),
            "GIT_COMMON_DIR": str(self.common_dir),
            "GIT_WORK_TREE": str(self.worktree or self.git_dir),
            "GIT_INDEX_FILE": str(self.index_file),
        }
        if "GIT_QUARANTINE_PATH" not in os.environ:  # a receiving hook must see the objects that are on their way
            places["GIT_OBJECT_DIRECTORY"] = str(self.common_dir / "objects")
            places["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = ""
        return places


def open_repository(path: Path) -> Repository:
    """Open the repository at *path*: a work tree, a linked work tree, a bare repository or a ``.git`` folder.

    Raises TreeError when git refuses it: damaged, or owned by someone else and not in the user's ``safe.directory``.
    """
    path = path.absolute()
    lines = _discover(path)
    git_dir, common, digest = Path(lines[0]), Path(lines[1]), lines[2]
    worktree = path if (path / ".git").exists() else None
    try:
        from git import Git  # costs 70 ms, so it is not imported before a repository is at hand
    except ImportError as error:
        raise TreeError(f"{path}: a git repository needs the git command and GitPython: {error}") from error
    common_dir = common if common.is_absolute() else (path / common).resolve()
    return Repository(path, git_dir, common_dir, worktree, 64 if digest == "sha256" else 40, Git(path))


def _discover(path: Path) -> list[str]:
    """Ask git where the parts of a repository are; the only command that obeys the user's configuration.

    ``safe.directory`` stands in the user's configuration, and only discovery without GIT_DIR looks at it.
    """
    kept = ("GIT_CONFIG", "GIT_EXEC_PATH")
    environment = {name: value for name, value in os.environ.items() if name[:4] != "GIT_" or name.startswith(kept)}
    environment |= {"GIT_CEILING_DIRECTORIES": str(path.resolve().parent), "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"}
    command = ("git", "rev-parse", "--absolute-git-dir", "--git-common-dir", "--show-object-format")
    try:
        done = subprocess.run(
            command, cwd=path, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except FileNotFoundError as error:
        raise TreeError(f"{path}: the git command is not installed, so this repository cannot be read") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TreeError(f"{path}: git cannot be run in this folder: {error}") from error
    if done.returncode:
        raise TreeError(_refusal(path, os.fsdecode(done.stderr)))
    return os.fsdecode(done.stdout).splitlines()


def _refusal(path: Path, errors: str) -> str:
    if "dubious ownership" in errors or "unsafe repository" in errors:
        return (
            f"{path} belongs to another user and git will not read it; if you trust it, run "
            f"git config --global --add safe.directory {path}"
        )
    complaint = Answer(1, b"", errors).complaint
    return f"{path}: git cannot read this repository: {complaint}"
