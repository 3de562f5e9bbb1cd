"""``ptlint cache``: what is kept between two runs, and how to get rid of it."""

import argparse
import json

SUMMARY = "Show or delete what is kept between two runs."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to do."""
    parser.add_argument("action", choices=("info", "clear"), help="show where it is and how large, or delete it")
    parser.add_argument("--json", action="store_true", help="for programs")


def run(arguments: argparse.Namespace) -> int:
    """Do it and say what was done."""
    from ptlint.store import open_store

    store = open_store()
    if arguments.action == "clear":
        number = store.clear()
        print(json.dumps({"deleted": number}) if arguments.json else f"{number} entries deleted")
        return 0
    info = store.info()
    if arguments.json:
        print(json.dumps({name: getattr(info, name) for name in ("folder", "entries", "size", "limit", "reason")}))
    elif info.reason:
        print(f"not used: {info.reason}")
    else:
        print(f"{info.folder}\n{info.entries} entries, {_bytes(info.size)} of at most {_bytes(info.limit)}")
    return 0


def _bytes(number: int) -> str:
    return f"{number / (1 << 20):.1f} MiB"
