"""The ``ptlint`` program: finds the command, runs it, and turns whatever stops it into a sentence and an exit code."""

import errno
import gc
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
BROKEN_PIPE = 141
UNWRITTEN = 2
INTERNAL = 4
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What a write fails with where there is no place for what is written."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line *argv* (default: the process's own) and return the exit code.

    0 clean, 1 findings, 2 usage, configuration or rule file, 3 unreadable input or a patch that does not apply,
    4 internal error. ``PTLINT_TRACEBACK=1`` shows the traceback of an internal error.
    """
    from ptlint.errors import PtlintError

    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # numpy's: threads that wait for work would only cost time
    gc.disable()  # see passes/outcomes.py, which collects between two profiles
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except PtlintError as error:
        _say(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_output()  # the reader has enough
        return BROKEN_PIPE
    except OSError as error:
        if error.errno not in NO_ROOM:
            return _internal(error)
        _give_up_output()
        _say(f"the output cannot be written: {error.strerror}")
        return UNWRITTEN
    except Exception as error:  # the outermost edge: a bug of ptlint
        return _internal(error)
    finally:
        if argv is None:
            gc.freeze()  # the process ends: nobody needs to look through all that is held once more
        else:
            gc.enable()
    return code


def _give_up_output() -> None:
    """Keep Python from complaining when it flushes standard output at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(argv: list[str]) -> int:
    if argv[:1] in (["--version"], ["-V"]):
        print(_version())
        return 0
    if argv[:1] in (["--help"], ["-h"]):
        print(_help())
        return 0
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure:
            reconfigure(errors="backslashreplace")
    from ptlint.cli import command_names, load_command
    from ptlint.cli._parser import parser_of
    from ptlint.errors import UsageError

    if not argv:
        raise UsageError("no command; 'ptlint --help' lists them")
    name, *rest = argv
    if name not in command_names():
        raise UsageError(f"no command {name!r}; 'ptlint --help' lists them")
    command = load_command(name)
    parser = parser_of(name, command)
    if {"-h", "--help"} & set(rest):
        print(parser.format_help(), end="")
        return 0
    return command.run(parser.parse_intermixed_args(rest))


def _version() -> str:
    """Return version, rule set and schema on one line, without importing what a check needs.

    The rule set is the number of rule files that come with ptlint and a digest of them: equal digests judge alike.
    """
    import hashlib

    from ptlint import COMPILED, SCHEMA_VERSION, __version__

    package = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(package, "_rules")
    folder = inside if os.path.isdir(inside) else os.path.join(os.path.dirname(package), "rules")
    names = sorted(name for name in os.listdir(folder) if name.endswith(".py") and name != "__init__.py")
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(name.encode() + b"\0" + file.read() + b"\0")
    rules = f"{len(names)} rules {digest.hexdigest()[:12]}"
    return f"ptlint {__version__} ({rules}, report schema {SCHEMA_VERSION}{', compiled' if COMPILED else ''})"


def _help() -> str:
    from ptlint import __doc__ as purpose
    from ptlint.cli import command_names, load_command

    names = command_names()
    width = max(map(len, names))
    commands = [f"  {name:<{width}}  {load_command(name).SUMMARY}" for name in names]
    lines = [
        "usage: ptlint COMMAND ...",
        "       ptlint --help | --version",
        "",
        str(purpose),
        "",
        "commands:",
        *commands,
    ]
    codes = "exit codes: 0 clean, 1 findings, 2 usage or rule file, 3 unreadable input or a patch that does not apply,"
    return "\n".join([*lines, "", "'ptlint COMMAND --help' shows what a command takes.", codes, "4 internal error"])


def _say(sentence: str) -> None:
    from ptlint.report._text import one_line

    print(f"ptlint: {one_line(sentence)}", file=sys.stderr)


def _internal(error: Exception) -> int:
    import traceback

    if os.environ.get("PTLINT_TRACEBACK") == "1":
        traceback.print_exception(error)
    package = os.path.dirname(os.path.abspath(__file__))
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:  # compiled code knows its file from the folder on that has the package
        frame.filename = os.path.join(os.path.dirname(package), frame.filename)
    own = [frame for frame in frames if frame.filename.startswith(package)]
    place = f" in {os.path.relpath(own[-1].filename, package)}:{own[-1].lineno}" if own else ""
    _say(
        f"internal error{place}: {type(error).__name__}: {error}; please report it with the input, "
        "the command and its output under PTLINT_TRACEBACK=1"
    )
    return INTERNAL


if __name__ == "__main__":
    sys.exit(main())
