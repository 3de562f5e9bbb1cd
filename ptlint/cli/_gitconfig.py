"""What the user's git configuration says; the only thing of it that is ever read are single values asked for here."""

import subprocess
from pathlib import Path


def git_value(key: str, folder: Path | None = None) -> str:
    """Return the value of *key* as git reads it in *folder* (default: here), empty when there is none."""
    try:
        done = subprocess.run(
            ("git", "config", "--get", key), cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace").strip()
