"""CPU time of whole checks, beside what scripts/checkpatch.pl of the same tree takes for the same mail in the same run.

Run it as ``python benchmarks/checks.py TREE MAIL…``. *TREE* is a kernel repository or source tree that holds
``scripts/checkpatch.pl``; each mail is a mailbox or a patch. Nothing is read from a cache. The figures are seconds of
user and system time of the process and its children, so they depend little on what else the machine does; the ratio
depends on it even less.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

MOST_SECONDS = 600


def cpu_seconds(command: Sequence[str], stdin: bytes = b"") -> float:
    """Return the CPU seconds of *command* and what it starts, whatever its exit code."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, input=stdin, capture_output=True, timeout=MOST_SECONDS, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def peak_megabytes() -> int:
    """Return the memory of the largest process that has ended so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10


def main(arguments: Sequence[str]) -> int:
    """Print one line for each mail."""
    if len(arguments) < 2:
        print(__doc__)
        return 2
    tree, mails = Path(arguments[0]), arguments[1:]
    checkpatch = tree / "scripts" / "checkpatch.pl"
    ptlint = [sys.executable, "-m", "ptlint"]
    print(f"{'--version':44} {cpu_seconds([*ptlint, '--version']):8.2f} s")
    print(f"{'mail':44} {'ptlint':>10} {'checkpatch':>11} {'ratio':>6} {'peak so far':>12}")
    for mail in mails:
        text = Path(mail).read_bytes()
        own = cpu_seconds([*ptlint, "check", mail, "--tree", str(tree), "--format", "json"])
        line = f"{Path(mail).name[:44]:44} {own:8.2f} s"
        if checkpatch.is_file():
            other = cpu_seconds(["perl", str(checkpatch), "--no-tree", "--terse", "--no-summary", "-"], text)
            line += f" {other:9.2f} s {own / other if other else 0:6.1f}"
        else:
            line += f" {'not there':>11} {'':6}"
        print(f"{line} {peak_megabytes():8} MiB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
