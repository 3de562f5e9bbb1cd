"""Threads from a real public-inbox and from servers that do not behave, with the page docs/lore.md."""

import builtins
import gzip
import mailbox
import socket
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ptlint.__main__ import main
from ptlint.errors import InputError
from ptlint.mail import lore as fetching
from ptlint.mail.lore import DEFAULT_MASK, fetch_thread, is_remote, located
from tests.interfaces.transcript import commands, play, shown
from tests.interfaces.world import BAD, MESSAGE_ID, ask, run, with_programs

Err = pytest.CaptureFixture[str]


def test_the_page_shows_what_a_reviewer_sees(linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    ask(linux, lore)
    (command,) = commands("lore.md", "lore")
    play(command, linux, code=1)


def test_the_lines_of_the_pages_ask_the_archive(linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reply that is drafted from the archive is one that mail readers find."""
    with_programs(monkeypatch)
    ask(linux, lore)
    fetched = [line for line in shown("lore.md", "lore", "sh")[0].splitlines() if line.startswith("ptlint ")]
    drafted = [line for line in shown("reply.md", "Replies", "sh")[0].splitlines() if line.startswith("ptlint ")]
    for line in (*fetched, *drafted):
        line = line.replace("https://lore.kernel.org/linux-mm", lore)
        code, out, err = run(["sh", "-c", line], linux)
        assert (code, out.count("error[PT102]") if line in fetched else 0, err) == (1, int(line in fetched), ""), line
    (mail,) = mailbox.mbox(str(linux / "drafts.mbox"))
    assert mail["In-Reply-To"] == f"<{MESSAGE_ID}>"


def test_the_mirror_of_the_page_is_asked_when_the_archive_is_down(
    linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_programs(monkeypatch)
    origin = lore.rpartition("/")[0]
    masks, mirrors = shown("lore.md", "Which archive is asked", "ini")
    with socket.socket() as unused, (linux / ".git/config").open("a") as config:
        unused.bind(("127.0.0.1", 0))
        down = f"http://127.0.0.1:{unused.getsockname()[1]}"
        config.write(masks.replace("https://lore.kernel.org", down))
        config.write(mirrors.replace("https://lore.kernel.org", down).replace("https://tor.lore.kernel.org", origin))
    code, out, err = run(["ptlint", "check", "--format", "gcc", MESSAGE_ID], linux)
    assert (code, out.count("[PT102]"), err) == (1, 1, "")


def test_addresses_name_their_server_and_clean_series_are_silent(
    linux: Path, lore: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_programs(monkeypatch)
    clean = MESSAGE_ID.replace("20260302", "20260303")
    for name in (f"{lore}/{clean}/", f"{lore}/{clean}/T/#u", f"{lore}/{clean.replace('@', '%40')}/raw"):
        assert fetch_thread(name, linux)[0] == clean
    assert run(["ptlint", "check", "--format", "gcc", f"{lore}/{clean}/"], linux) == (0, "", "")


def test_an_unknown_message_is_one_sentence(linux: Path, lore: str) -> None:
    ask(linux, lore)
    with pytest.raises(InputError, match="has no message with this id"):
        fetch_thread("<nobody@example.org>", linux)


@pytest.mark.parametrize(
    ("entry", "mask", "expected"),
    [
        ("<a@b>", DEFAULT_MASK, ("https://lore.kernel.org/all", "a@b")),
        ("a@b", "https://lore.kernel.org/%s", ("https://lore.kernel.org/all", "a@b")),
        ("a@b", "http://[::1]:80/mm/%s", ("http://[::1]:80/mm", "a@b")),
        ("https://lore.kernel.org/linux-mm/a@b/T/#t", DEFAULT_MASK, ("https://lore.kernel.org/all", "a@b")),
        ("https://lore.kernel.org/r/a@b", "http://127.0.0.1/x/%s", ("https://lore.kernel.org/all", "a@b")),
        ("https://lore.example.org/mm/a%2Fc%40b/", DEFAULT_MASK, ("https://lore.example.org/mm", "a/c@b")),
        ("https://patch.msgid.link/a@b", DEFAULT_MASK, ("https://lore.kernel.org/all", "a@b")),
        ("https://pw.example.org/project/mm/patch/a@b/", DEFAULT_MASK, ("https://lore.kernel.org/all", "a@b")),
    ],
)
def test_archive_and_message_are_found_as_b4_finds_them(entry: str, mask: str, expected: tuple[str, str]) -> None:
    assert is_remote(entry)
    assert located(entry, mask) == expected


@pytest.mark.parametrize(
    ("entry", "mask", "sentence"),
    [
        ("a@b", "/home/me/%s", "no address of an archive"),
        ("ftp://lore.kernel.org/all/a@b", DEFAULT_MASK, "only http and https"),
        ("file:///etc/passwd@x", DEFAULT_MASK, "only http and https"),
        ("https://lore.kernel.org/linux-mm/", DEFAULT_MASK, "holds no Message-ID"),
        ("https://", DEFAULT_MASK, "holds no Message-ID"),
        ("http://[::1/all/a@b/", DEFAULT_MASK, "is no address"),
        ("http://localhost:lore/all/a@b/", DEFAULT_MASK, "is no address"),
        ("a@b", "http://[::1/%s", "is no address"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(entry: str, mask: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        located(entry, mask)


def test_without_liblore_ptlint_says_what_to_install(capsys: Err, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refused(
        name: str,
        globals: Mapping[str, object] | None = None,
        locals: Mapping[str, object] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> types.ModuleType:
        if name.split(".")[0] in ("liblore", "requests"):
            raise ImportError(name)
        return real(name, globals, locals, fromlist, level)

    monkeypatch.setattr(builtins, "__import__", refused)
    assert main(["check", MESSAGE_ID]) == 3
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "pip install 'ptlint[lore]'" in told
    assert "b4 mbox" in told


def test_a_message_is_the_only_input(capsys: Err) -> None:
    assert main(["check", MESSAGE_ID, "a@b"]) == 2
    assert "only input" in capsys.readouterr().err


# --- servers that do not behave ---------------------------------------------------------------------------------------

THREAD = gzip.compress(BAD.read_bytes(), mtime=0)


class Answer(BaseHTTPRequestHandler):
    """Sends what the server's ``answer`` says: status, bytes, and the length that the header claims."""

    def do_GET(self) -> None:
        status, data, length = getattr(self.server, "answer")  # noqa: B009
        self.send_response(status)
        self.send_header("Content-Type", "application/gzip")
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(data)

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""


@contextmanager
def serving(status: int, data: bytes, length: int | None = None) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    vars(server)["answer"] = (status, data, len(data) if length is None else length)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/all/{MESSAGE_ID}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "data", "length", "sentence"),
    [
        (500, b"", None, "answers with HTTP status 500"),
        (403, b"no robots", None, "answers with HTTP status 403"),
        (200, THREAD[:-400], None, "sent only a part of the thread"),
        (200, THREAD[:300], len(THREAD), "sent only a part of the thread"),
        (200, b"<html>are you human?</html>", None, "did not send the thread"),
        (200, b"", None, "did not send the thread|empty"),
        (200, gzip.compress(b"<html>are you human?</html>", mtime=0), None, "neither a mail nor a diff"),
    ],
)
def test_a_bad_answer_is_one_sentence(
    status: int, data: bytes, length: int | None, sentence: str, tmp_path: Path
) -> None:
    with serving(status, data, length) as url, pytest.raises(InputError, match=sentence) as caught:
        fetch_thread(url, tmp_path)
    assert "\n" not in str(caught.value)


def test_a_thread_that_expands_without_end_is_not_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MAX_BYTES", 1 << 20)
    with serving(200, gzip.compress(bytes(4 << 20))) as url, pytest.raises(InputError, match="more than 1 MiB"):
        fetch_thread(url, tmp_path)
    with serving(200, bytes(4 << 20)) as url, pytest.raises(InputError, match="larger than 1 MiB"):
        fetch_thread(url, tmp_path)


def test_nobody_there_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/all/a@b/"
        with pytest.raises(InputError, match="cannot be reached"):
            fetch_thread(url, tmp_path)


@contextmanager
def silent_server(accept: Callable[[socket.socket], None]) -> Iterator[str]:
    """Listen, and let *accept* deal with whoever comes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        thread = threading.Thread(target=accept, args=(server,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_server_that_never_answers_is_given_up(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server(lambda server: None) as origin:
        with (linux / ".git/config").open("a") as config:
            config.write(f'[liblore "{origin}"]\n\trequesttimeout = 0.3\n')
        monkeypatch.chdir(linux)  # liblore reads the configuration of where it runs
        with pytest.raises(InputError, match="did not answer in time"):
            fetch_thread(f"{origin}/all/a@b/", linux)


def test_a_server_that_drips_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()

    def drip(server: socket.socket) -> None:
        peer, _ = server.accept()
        with peer:
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    peer.sendall(b"x")
                except OSError:
                    return

    monkeypatch.setattr(fetching, "SECONDS", 0.4)
    try:
        with silent_server(drip) as origin, pytest.raises(InputError, match="within 0 seconds"):
            fetch_thread(f"{origin}/all/a@b/", tmp_path)
    finally:
        stop.set()
