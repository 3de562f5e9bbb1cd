"""A thread by its Message-ID or address, from lore or any other public-inbox.

Needs liblore, the extra ``ptlint[lore]``. The server is found as b4 finds it: an address names its own, anything else
comes from ``b4.midmask`` of the git configuration; mirrors and time-outs are liblore's own settings.
"""

import logging
import re
import subprocess
import threading
import urllib.parse
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.errors import InputError
from ptlint.mail.raw import RawMail
from ptlint.mail.sources import MAX_BYTES, split_mails

if TYPE_CHECKING:
    import requests

DEFAULT_MASK = "https://lore.kernel.org/all/%s"

SECONDS = 120.0
"""How long fetching one thread may take in all."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://.*", re.IGNORECASE | re.DOTALL)
_MESSAGE_ID = re.compile(r"<[^<>\s]+>|[^<>\s/]+@(?!\{)[^<>\s/]+")
_WITH_LIST = re.compile(r"/([^/]+)/([^/]*(?:@|%40)[^/]*)(?:/.*)?", re.IGNORECASE)
_LAST = re.compile(r"(?:/.*)?/([^/]*(?:@|%40)[^/]*)(?:/.*)?", re.IGNORECASE)
_PATCHWORK = re.compile(r".*/project/[^/]+/patch/([^/]+)(?:/.*)?", re.IGNORECASE)


def is_remote(entry: str) -> bool:
    """Return whether *entry* has the form of a Message-ID or an address."""
    return _ADDRESS.fullmatch(entry) is not None or _MESSAGE_ID.fullmatch(entry) is not None


def fetch_thread(entry: str, folder: Path) -> tuple[str, tuple[RawMail, ...]]:
    """Return the Message-ID that *entry* names, without brackets, and the mails of its thread.

    The git configuration is that of *folder*. Raises InputError with one sentence when there is no such message, no
    answer, half of an answer, or no liblore.
    """
    base, message_id = located(entry, _mask(folder))
    try:
        import requests
        from liblore import LibloreError, LoreNode, RemoteError
    except ImportError as error:
        raise InputError(
            f"{entry}: fetching needs liblore (pip install 'ptlint[lore]'); or save the thread, as "
            "'b4 mbox MESSAGE-ID' does, and name that file"
        ) from error

    from ptlint import __version__

    logging.getLogger("liblore").setLevel(logging.CRITICAL)  # what fails is told once, below
    origin = urllib.parse.urlsplit(base).netloc

    def fetch() -> bytes:
        with LoreNode.from_git_config(base) as node:
            node.set_user_agent("ptlint", __version__)
            session = requests.Session()
            session.headers["User-Agent"] = f"ptlint/{__version__}"
            session.hooks["response"].append(_bounded)
            node.set_requests_session(session)
            return node.get_mbox_by_msgid(message_id)

    try:
        data = _in_time(fetch)
    except TimeoutError as error:
        raise InputError(f"{entry}: {origin} did not send the thread within {SECONDS:.0f} seconds") from error
    except RemoteError as error:
        raise InputError(f"{entry}: {_told(error.status_code, error, origin)}") from error
    except (EOFError, zlib.error, requests.exceptions.ChunkedEncodingError) as error:
        raise InputError(f"{entry}: {origin} sent only a part of the thread; try again") from error
    except (LibloreError, LookupError, OSError) as error:
        raise InputError(f"{entry}: {origin} did not send the thread ({error})") from error
    if not data:
        raise InputError(f"{entry}: {origin} sent an empty thread")
    return message_id, tuple(split_mails(data, f"{base}/{message_id}"))


def located(entry: str, mask: str) -> tuple[str, str]:
    """Return the address of the archive and the Message-ID that *entry* names, as b4 reads both.

    *mask* is ``b4.midmask``. An address with another server than the mask's names the archive itself.
    """
    base = mask.replace("/%s", "").rstrip("/")
    parts = _split(base, entry)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise InputError(f"{entry}: b4.midmask of the git configuration is no address of an archive: {mask}")
    if not parts.path.strip("/"):
        base += "/all"
    if not _ADDRESS.fullmatch(entry):
        return base, entry.strip("<>")
    address = _split(entry, entry)
    if address.scheme.lower() not in ("http", "https"):
        raise InputError(f"{entry}: only http and https addresses are fetched")
    if found := _PATCHWORK.fullmatch(address.path):
        return base, urllib.parse.unquote(found[1])
    if found := _WITH_LIST.fullmatch(address.path):
        if address.netloc != parts.netloc:
            base = f"{address.scheme}://{address.netloc}/{'all' if found[1] == 'r' else found[1]}"
        return base, urllib.parse.unquote(found[2])
    if found := _LAST.fullmatch(address.path):
        return base, urllib.parse.unquote(found[1])
    raise InputError(f"{entry}: the address holds no Message-ID")


def _split(address: str, entry: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(address)
        _ = parts.port  # is read when it is asked for
    except ValueError as error:
        raise InputError(f"{entry}: {address} is no address ({error})") from error
    return parts


def _mask(folder: Path) -> str:
    """Return ``b4.midmask``, or b4's own default."""
    command = ("git", "config", "--get", "b4.midmask")
    try:
        done = subprocess.run(
            command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return DEFAULT_MASK
    return done.stdout.decode("utf-8", "replace").strip() or DEFAULT_MASK


def _told(status: int | None, error: Exception, origin: str) -> str:
    if status == 404:
        return f"{origin} has no message with this id"
    if status is not None:
        return f"{origin} answers with HTTP status {status}"
    cause: BaseException | None = error
    while cause is not None:
        if "timed out" in str(cause).lower() or "timeout" in type(cause).__name__.lower():
            return f"{origin} did not answer in time"
        cause = cause.__cause__ or cause.__context__
    return f"{origin} cannot be reached"


def _in_time(fetch: Callable[[], bytes]) -> bytes:
    """Return what *fetch* returns or raises; TimeoutError after ``SECONDS``, whatever it is waiting for."""
    outcome: list[bytes | BaseException] = []

    def work() -> None:
        try:
            outcome.append(fetch())
        except BaseException as error:
            outcome.append(error)

    # A server that sends a byte now and then keeps a read waiting for ever; the thread is left to it.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    if not outcome:
        raise TimeoutError
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _bounded(response: "requests.Response", *_: object, **__: object) -> None:
    """Read a response within the bounds of any other input, compressed and not, before anyone keeps all of it."""
    taken = bytearray()
    for chunk in response.iter_content(1 << 16):
        taken += chunk
        if len(taken) > MAX_BYTES:
            raise InputError(f"{response.url}: larger than {MAX_BYTES >> 20} MiB, which is the most that is read")
    if taken.startswith(b"\x1f\x8b"):
        unpacked, rest = 0, bytes(taken)
        while rest:
            unpacker = zlib.decompressobj(31)
            while not unpacker.eof:
                part = unpacker.decompress(rest, 1 << 20)
                unpacked += len(part)
                rest = unpacker.unconsumed_tail
                if unpacked > MAX_BYTES:
                    raise InputError(f"{response.url}: expands to more than {MAX_BYTES >> 20} MiB")
                if not rest and not part:
                    raise EOFError("the compressed data is cut short")
            rest = unpacker.unused_data
    response._content = bytes(taken)  # what Response.content does itself
