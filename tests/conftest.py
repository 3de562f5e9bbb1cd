"""Every test runs without a network, in a home of its own, and with no one's git configuration."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.csrc.kernel import kernel_tree

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("here", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "here")
# Where nobody watches, a run must mean the same twice; everywhere else new examples are tried.

LOOPBACK = ("127.", "::1", "localhost")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--bless``, which rewrites golden files instead of comparing with them."""
    parser.addoption("--bless", action="store_true", help="rewrite the golden files (refused when CI is set)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse ``--bless`` where nobody would look at the new goldens."""
    if config.getoption("--bless") and os.environ.get("CI"):
        raise pytest.UsageError("--bless is refused when CI is set: goldens are rewritten and reviewed by a person")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test an empty home, its own XDG folders and a git without user or system configuration."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in [name for name in os.environ if name.startswith(("GIT_", "B4_", "PRE_COMMIT"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "A Tester")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "tester@example.org")
        monkeypatch.setenv(f"GIT_{role}_DATE", "2026-01-01T00:00:00Z")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture(scope="session")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page-table sources of the corpus as a plain tree on disk; skips the test when there are none."""
    tree = kernel_tree()
    root = tmp_path_factory.mktemp("kernel")
    for path in tree.paths():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(tree.read(path) or b"")
    return root


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that would leave the machine."""
    for name in ("connect", "connect_ex"):
        connect = getattr(socket.socket, name)

        def refuse(
            self: socket.socket,
            address: tuple[str, int] | str,
            connect: Callable[[socket.socket, tuple[str, int] | str], int | None] = connect,
        ) -> int | None:
            host = address if isinstance(address, str) else address[0]
            if self.family != socket.AF_UNIX and not host.startswith(LOOPBACK):
                raise ConnectionRefusedError(f"a test tried to reach {host}: tests stay on the loopback interface")
            return connect(self, address)

        monkeypatch.setattr(socket.socket, name, refuse)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Return a comparison of a text with a golden file; with ``--bless`` it writes the file instead."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--bless"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.exists(), f"{path} is missing: run pytest --bless and look at what it wrote"
        assert text == path.read_text(encoding="utf-8")

    return compare
