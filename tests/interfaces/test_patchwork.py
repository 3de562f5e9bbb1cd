"""Checks for Patchwork and NIPA: a server that answers as Patchwork does, and a shell that calls as NIPA does."""

import json
import os
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.interfaces.transcript import commands, configure, play, shown
from tests.interfaces.world import BAD, MESSAGE_ID, SECOND_ID, git, run, with_programs
from tests.shared import program

TOKEN = "0123456789abcdef0123456789abcdef01234567"
PATCHES = {MESSAGE_ID: 101, SECOND_ID: 102}


class Server(ThreadingHTTPServer):
    """What Patchwork 3.3 does with patches and checks. ``posted`` holds the checks it took, by patch."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[tuple[int, Any]] = []
        self.token = TOKEN
        self.known = dict(PATCHES)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        found = self.server.known.get(query.get("msgid", ""))
        if url.path not in ("/api/1.3/patches/", "/api/patches/"):
            return self.answer(404, {"detail": "Not found."})
        if query.get("project", "linux-mm") != "linux-mm":
            return self.answer(200, [])
        return self.answer(200, [{"id": found, "msgid": f"<{query['msgid']}>"}] if found else [])

    def do_POST(self) -> None:
        parts = self.path.split("/")
        data = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.endswith("/"):
            return self.answer(301, {}, ("Location", self.path + "/"))
        if self.headers.get("Authorization") != f"Token {self.server.token}":
            return self.answer(403, {"detail": "Authentication credentials were not provided."})
        check = json.loads(data)
        if check["state"] not in ("pending", "success", "warning", "fail"):
            return self.answer(400, {"state": [f'"{check["state"]}" is not a valid choice.']})
        if len(check["description"]) > 100_000 or not check["context"].replace("-", "").replace("_", "").isalnum():
            return self.answer(400, {"context": ["Enter a valid “slug” consisting of letters, numbers, ..."]})
        if "no-such" in check.get("target_url", ""):
            return self.answer(400, {"target_url": ["Enter a valid URL."]})
        self.server.posted.append((int(parts[-3]), check))
        return self.answer(201, {"id": len(self.server.posted), **check})

    def answer(self, status: int, document: object, *headers: tuple[str, str]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Serve one answer to everything, and give the address."""

    class Same(Handler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Same)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def patchwork(linux: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with_programs(monkeypatch)
    monkeypatch.chdir(linux)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(server: Server, mailbox: Path, *words: str, token: str = TOKEN) -> tuple[int, str, str]:
    command = ["ptlint", "patchwork-post", "--server", server.address, *words, str(mailbox)]
    return run(command, Path.cwd(), PATCHWORK_TOKEN=token)


def test_each_patch_gets_its_check(patchwork: Server) -> None:
    assert post(patchwork, BAD, "--project", "linux-mm", "--target-url", "https://ci.example.org/1") == (0, "", "")
    (first, check), (second, clean) = patchwork.posted
    assert (first, second) == (101, 102)
    url = "https://ci.example.org/1"
    found = "1 error: PT102 include/linux/pgtable.h:157 commit-stale-old-pte"
    assert check == {"state": "fail", "context": "ptlint", "description": found, "target_url": url}
    assert clean == {"state": "success", "context": "ptlint", "description": "no findings", "target_url": url}


def test_the_lines_of_the_page_post_the_checks(patchwork: Server) -> None:
    (lines,) = shown("patchwork.md", "A check on each patch", "sh")
    lines = lines.replace("https://patchwork.example.org", patchwork.address).replace("...", TOKEN)
    assert run(["sh", "-e", "-c", lines.replace("series.mbox", "../series.mbox")], Path.cwd()) == (0, "", "")
    assert [(patch, check["state"]) for patch, check in patchwork.posted] == [(101, "fail"), (102, "success")]


def test_the_configuration_of_b4_names_server_and_project(patchwork: Server) -> None:
    linux = Path.cwd()
    configure(linux, "patchwork.md", "A check on each patch")
    git(linux, "config", "b4.pw-url", patchwork.address)
    assert run(["ptlint", "patchwork-post", str(BAD)], linux, PATCHWORK_TOKEN=TOKEN) == (0, "", "")
    assert [patch for patch, _ in patchwork.posted] == [101, 102]


@pytest.mark.parametrize(
    ("words", "token", "sentence"),
    [
        ([], "wrong", "refuses the check (403): detail: Authentication credentials were not provided."),
        (["--target-url", "http://no-such"], TOKEN, "does not take the check (400): target_url: Enter a valid URL."),
        (["--project", "other"], TOKEN, f"has no patch with the Message-ID <{MESSAGE_ID}>"),
    ],
)
def test_what_the_server_refuses_is_one_sentence_a_patch(
    patchwork: Server, words: list[str], token: str, sentence: str
) -> None:
    code, out, err = post(patchwork, BAD, *words, token=token)
    assert (code, out, err.count("\n")) == (3, "", 2)
    assert sentence in err
    assert token not in err
    assert patchwork.posted == []


def test_one_unknown_patch_keeps_no_other_from_its_check(patchwork: Server) -> None:
    del patchwork.known[MESSAGE_ID]
    code, _, err = post(patchwork, BAD)
    assert (code, err.count("\n")) == (3, 1)
    assert [patch for patch, _ in patchwork.posted] == [102]


def test_a_dry_run_asks_nobody(patchwork: Server) -> None:
    (command,) = commands("patchwork.md", "A check on each patch")
    play(command, Path.cwd(), code=0)
    assert patchwork.posted == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--context", "mm/ptlint"], "--context mm/ptlint: Patchwork takes letters"),
        (["--target-url", "ci"], "--target-url ci: no address"),
        (["--server", "patchwork.example.org"], "no address of a Patchwork server"),
        (["--server", "http://patchwork.example.org"], "a token is sent over https only"),
        (["--server", "http://[::1"], "no address of a Patchwork server"),
        (["--server", "http://localhost:patchwork"], "no address of a Patchwork server"),
    ],
)
def test_what_could_never_be_posted_is_refused_at_once(patchwork: Server, words: list[str], sentence: str) -> None:
    code, out, err = post(patchwork, BAD, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert sentence in err


@pytest.mark.parametrize("token", ["one\ntwo", "t\u20acken", "tok\u00e9n"])
def test_a_token_that_no_server_gives_is_not_sent(patchwork: Server, token: str) -> None:
    code, out, err = post(patchwork, BAD, token=token)
    assert (code, out, err) == (2, "", "ptlint: PATCHWORK_TOKEN holds characters that no token has\n")


ODD = [
    b"",
    b"<html>",
    b"[" * 100_000,
    b"null",
    b'[{"msgid": "<%s>"}]',
    b'[{"msgid": "<%s>", "id": "x"}]',
    b'[{"id": 1}]',
]


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("body", ODD)
def test_a_server_that_is_no_patchwork_is_one_sentence(status: int, body: bytes) -> None:
    from ptlint.cli._patchwork import Patchwork
    from ptlint.errors import InputError

    text = body.replace(b"%s", MESSAGE_ID.encode())
    with (
        answering(status, text) as address,
        pytest.raises(InputError, match=r"no JSON|no patch with|HTTP status|\(400\)"),
    ):
        Patchwork(address, TOKEN).patch_id(MESSAGE_ID, "")


def test_a_refusal_of_any_shape_is_told() -> None:
    from ptlint.cli._patchwork import _refusal

    for body in (b"", b"[]", b'{"detail": null}', b'{"state": [1, {"a": []}]}', b"[" * 100_000):
        assert _refusal(400, body).startswith("does not take the check (400): ")


def test_without_token_or_server_nothing_is_tried(patchwork: Server) -> None:
    code, _, err = post(patchwork, BAD, token="")
    assert (code, "PATCHWORK_TOKEN is not set" in err) == (2, True)
    code, _, err = run(["ptlint", "patchwork-post", str(BAD)], Path.cwd(), PATCHWORK_TOKEN=TOKEN)
    assert (code, "name it with --server" in err) == (2, True)


def test_pwclient_posts_the_same_check(patchwork: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server of these tests is close enough to a real one for Patchwork's own client."""
    with_programs(monkeypatch, "pwclient")
    config = Path.home() / ".pwclientrc"
    config.write_text(f"[options]\ndefault=mm\n[mm]\nbackend=rest\nurl={patchwork.address}/api\ntoken={TOKEN}\n")
    code, out, err = run(
        ["pwclient", "check-create", "-c", "ptlint", "-s", "warning", "-u", "https://x.org", "-d", "d", "101"],
        Path.cwd(),
    )
    assert (code, patchwork.posted and patchwork.posted[0][0]) == (0, 101), out + err


# --- NIPA -------------------------------------------------------------------------------------------------------------


UNDESCRIBED = """\
/**
 * first_young - Return whether the first entry of a batch was accessed.
 * @ptep: The first entry.
 */
static inline int first_young(pte_t *ptep, unsigned int nr)
{
	return pte_young(ptep_get(ptep));
}
"""


def nipa(folder: Path) -> tuple[int, str, str]:
    """Run the script of the page as NIPA does and return exit code, log and description."""
    (script,) = shown("patchwork.md", "NIPA", "bash")
    test = folder.parent / "ptlint.sh"
    test.write_text(script.replace(" --arch x86,arm64,powerpc,s390", ""))  # the demo tree has two of them
    test.chmod(0o755)
    read, write = os.pipe()
    with subprocess.Popen(
        [str(test)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[write],
        env={**os.environ, "DESC_FD": str(write), "FIRST_IN_SERIES": "1", "BRANCH_BASE": "master"},
    ) as process:
        os.close(write)
        log, _ = process.communicate(timeout=120)
    with os.fdopen(read) as description:
        return process.returncode, log.decode(), description.read()


def test_nipa_reads_code_description_and_log(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    git(linux, "am", "-q", str(BAD))
    git(linux, "reset", "-q", "--hard", "HEAD~1")
    code, log, description = nipa(linux)
    (expected,) = shown("patchwork.md", "NIPA", "text")
    assert (code, description) == (1, expected)
    assert "error[PT102]" in log
    header = linux / "include/linux/pgtable.h"
    text, _, end = header.read_text().rpartition("#endif")
    header.write_text(f"{text}{UNDESCRIBED}\n#endif{end}")
    git(linux, "commit", "-q", "-a", "-m", "mm: ask the first entry")
    code, _, description = nipa(linux)
    assert (code, description.startswith("1 warning: PT701 include/linux/pgtable.h:")) == (250, True)


def test_nipa_is_content_with_a_clean_commit(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    git(linux, "am", "-q", "../clean.mbox")
    assert nipa(linux)[::2] == (0, "no findings\n")


def test_a_wrong_descriptor_is_one_sentence(linux: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_programs(monkeypatch)
    git(linux, "commit", "-q", "--allow-empty", "-m", "nothing")
    code, _, err = run(["ptlint", "nipa"], linux, DESC_FD="77")
    assert (code, err.count("\n")) == (2, 1)
    assert "DESC_FD=77" in err
    program("git")
