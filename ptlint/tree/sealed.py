"""How git is called: everything that it may execute or fetch on behalf of a repository's configuration is off."""

import os
from pathlib import Path

OPTIONS = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", f"core.hooksPath={os.devnull}"),
    *("-c", f"core.attributesFile={os.devnull}"),
    *("-c", "core.splitIndex=false"),
    *("-c", "core.quotePath=true"),
    *("-c", "gc.auto=0"),
)
"""Options in front of every command."""

ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",  # an older git that does not know the next variable cannot fetch either
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_CONFIG_COUNT": "0",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_PARAMETERS": "",
    "GIT_DIFF_OPTS": "",
    "GIT_EXTERNAL_DIFF": "",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_NAMESPACE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
}
"""Variables of every command but the one that finds the repository."""


def is_repository(path: Path) -> bool:
    """Return whether *path* is a work tree (``.git`` is a folder, or the file of a linked one) or a git directory."""
    return (path / ".git").exists() or all((path / name).exists() for name in ("HEAD", "objects", "refs"))
