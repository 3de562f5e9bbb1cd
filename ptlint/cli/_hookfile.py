"""Hooks of git as files: put in place beside what is there already, and taken away again.

A hook that was there keeps its file under another name and runs first, with the same words and the same input. The
hook of ptlint is only ever written into the repository's own folder of hooks.
"""

import os
import shlex
import sys
from pathlib import Path

from ptlint.errors import UsageError

MARK = "# Made by 'ptlint hook install'; 'ptlint hook uninstall' takes it away."

KEPT = ".before-ptlint"
"""What is added to the name of a hook that was there."""

_SCRIPT = """\
#!/bin/sh
{mark}
# A hook that was here before runs first.
before=$0{kept}
input=
{read}
if [ -x "$before" ]; then
	{pipe}"$before" "$@" || exit
fi
[ -x {python} ] || {{ echo "ptlint is not installed any more: {name} checks nothing" >&2; exit 0; }}
{pipe}{python} -m ptlint hook {name} "$@"
"""

_READ = 'input=$(cat)\n[ -z "$input" ] || input="$input\n"'
_PIPE = "printf '%s' \"$input\" | "


def script_of(name: str, reads_input: bool) -> str:
    """Return the text of the hook *name*; *reads_input* says that git gives it standard input."""
    return _SCRIPT.format(
        mark=MARK,
        kept=KEPT,
        name=name,
        python=shlex.quote(sys.executable),
        read=_READ if reads_input else ":",
        pipe=_PIPE if reads_input else "",
    )


def is_ours(path: Path) -> bool:
    """Return whether the file at *path* is a hook that ptlint made."""
    try:
        return not path.is_symlink() and path.is_file() and MARK in path.read_text(errors="replace")
    except OSError:
        return False


def install(folder: Path, name: str, reads_input: bool) -> str:
    """Put the hook *name* into *folder* and return a sentence about it. UsageError when it cannot be written."""
    path = folder / name
    kept = folder / (name + KEPT)
    was_there = os.path.lexists(path) and not is_ours(path)
    if was_there and os.path.lexists(kept):
        raise UsageError(f"{kept} is there already, so {path} cannot be kept under that name; move one of them away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if was_there:
            path.rename(kept)
        scratch = folder / f".{name}.{os.getpid()}"
        scratch.write_text(script_of(name, reads_input))
        scratch.chmod(0o755)
        scratch.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
    return f"{path}: installed" + (f"; the hook that was there runs first, as {kept.name}" if was_there else "")


def uninstall(folder: Path, name: str) -> str:
    """Take the hook *name* out of *folder*, put back what was there, and return a sentence; empty when none is ours."""
    path = folder / name
    kept = folder / (name + KEPT)
    if not is_ours(path):
        return f"{path}: not made by ptlint, left as it is" if os.path.lexists(kept) else ""
    try:
        path.unlink()
        if os.path.lexists(kept):
            kept.rename(path)
            return f"{path}: the hook that was there before is back"
    except OSError as error:
        raise UsageError(f"{path}: cannot be removed ({error.strerror})") from error
    return f"{path}: removed"
