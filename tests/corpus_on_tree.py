"""Write down what is found in series of the corpus on a kernel tree: ``python -m tests.corpus_on_tree TREE [MBOX…]``.

Without mailboxes all of the corpus is run, which takes an hour or two. The lines of a mailbox in
``corpus_on_tree.tsv`` are replaced by what is found now; each new line wants to be read beside its patch.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.shared import shared

PINNED = Path(__file__).with_name("corpus_on_tree.tsv")
"""Mailbox, code, file, function and Message-ID of each finding; the mailbox alone where there is none."""


def pinned() -> dict[str, list[str]]:
    """Return the lines of each mailbox, by its name without ``.mbox``; one without findings has an empty list."""
    lines: dict[str, list[str]] = {}
    for line in PINNED.read_text(encoding="utf-8").splitlines() if PINNED.exists() else ():
        box, _, rest = line.partition("\t")
        lines.setdefault(box, []).extend([line] if rest else [])
    return lines


def found(box: Path, tree: Path, *options: str) -> list[str]:
    """Return a line for each finding of the command line with *options* over *box* on *tree*."""
    command = [sys.executable, "-m", "ptlint", "check", str(box), "--tree", str(tree), "--format", "json"]
    made = subprocess.run([*command, "--fail-on", "never", *options], capture_output=True, text=True, check=False)
    if not made.stdout:
        raise SystemExit(f"{box.name}: {made.stderr}")
    report = json.loads(made.stdout)
    lost = [entry for entry in report["left_out"] if entry["kind"] == "PT010"]
    if lost:
        raise SystemExit(f"{box.name}: {lost}")
    return sorted(
        {
            "\t".join((box.stem, one["code"], one["path"], one["function"], (one["patch"] or {}).get("message_id", "")))
            for one in report["findings"]
        }
    )


def main(arguments: list[str]) -> None:
    """Run the mailboxes that *arguments* name after the tree, and rewrite their lines."""
    tree, *names = arguments
    boxes = [Path(name) for name in names] or sorted(shared("corpus/lore").glob("*.mbox"))
    for box in boxes:
        lines = {**pinned(), box.stem: found(box, Path(tree))}
        text = "".join(f"{line}\n" for name in sorted(lines) for line in lines[name] or [name])
        PINNED.write_text(text, encoding="utf-8")
        print("\n".join(lines[box.stem] or [f"{box.stem}: nothing"]), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
