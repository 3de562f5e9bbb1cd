"""The closed world that every test runs in."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from tests.shared import program


@pytest.mark.parametrize("name", ["connect", "connect_ex"])
def test_nothing_beyond_the_machine_is_reached(name: str) -> None:
    with socket.socket() as reached, pytest.raises(ConnectionRefusedError, match="loopback"):
        getattr(reached, name)(("192.0.2.1", 80))


def test_the_loopback_interface_is_open() -> None:
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())


def test_home_is_empty_and_git_knows_no_user() -> None:
    assert list(Path.home().iterdir()) == []
    done = subprocess.run([program("git"), "config", "--list", "--show-scope"], capture_output=True, text=True, cwd="/")
    assert "global" not in done.stdout
    assert "system" not in done.stdout
    assert os.environ["GIT_AUTHOR_EMAIL"] == "tester@example.org"
