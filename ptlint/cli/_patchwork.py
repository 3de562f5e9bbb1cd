"""The part of Patchwork's REST API that posts checks: a patch by its Message-ID, and a check on it."""

import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from ptlint.errors import InputError, UsageError

SECONDS = 30
MOST_BYTES = 1 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Patchwork:
    """A server. *address* is its own (``https://patchwork.kernel.org``) or that of its API."""

    def __init__(self, address: str, token: str) -> None:
        try:
            parts = urllib.parse.urlsplit(address)
            is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            raise UsageError(f"{address}: no address of a Patchwork server")
        if not (token.isascii() and token.isprintable()):
            raise UsageError("PATCHWORK_TOKEN holds characters that no token has")
        if token and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise UsageError(f"{address}: a token is sent over https only")
        path = parts.path.rstrip("/")
        self.api = f"{parts.scheme}://{parts.netloc}{path if '/api' in path else path + '/api/1.3'}"
        self._token = token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def patch_id(self, message_id: str, project: str) -> int:
        """Return the number of the patch with *message_id*. InputError when there is none."""
        query = {"msgid": message_id, **({"project": project} if project else {})}
        found = self._ask(f"{self.api}/patches/?{urllib.parse.urlencode(query)}")
        for entry in found if isinstance(found, list) else []:
            if isinstance(entry, dict) and str(entry.get("msgid", "")).strip("<>") == message_id:
                number = entry.get("id")
                if isinstance(number, int):
                    return number
        raise InputError(f"{self.api} has no patch with the Message-ID <{message_id}>")

    def post(self, patch: int, check: dict[str, str]) -> None:
        """Post *check* on the patch with the number *patch*. InputError when the server does not take it."""
        # Without the slash at the end Django answers with a redirect that loses what is posted.
        self._ask(f"{self.api}/patches/{patch}/checks/", check)

    def _ask(self, url: str, data: dict[str, str] | None = None) -> Any:
        headers = {"Accept": "application/json", "User-Agent": "ptlint"}
        body = None
        if data is not None:
            headers |= {"Content-Type": "application/json", "Authorization": f"Token {self._token}"}
            body = json.dumps(data).encode()
        request = urllib.request.Request(url, body, headers)
        try:
            with self._opener.open(request, timeout=SECONDS) as answer:
                return json.loads(answer.read(MOST_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise InputError(f"{self.api} {_refusal(error.code, error.read(MOST_BYTES))}") from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise InputError(f"{self.api} cannot be reached ({reason})") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.api} answers with something that is no JSON: is it a Patchwork?") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: a redirected request would carry the token elsewhere or lose what is posted."""

    def redirect_request(self, *_: object) -> None:
        """Return no request, so that the redirect is an error."""


def _refusal(status: int, body: bytes) -> str:
    """Return what a refusal says: ``{"detail": "..."}``, or complaints by field."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    told = ""
    if isinstance(answer, dict):
        told = "; ".join(
            f"{key}: {' '.join(map(str, value)) if isinstance(value, list) else value}" for key, value in answer.items()
        )
    if status == 403:
        return f"refuses the check (403): {told or 'no permission'}; PATCHWORK_TOKEN must be that of a maintainer"
    if status == 400:
        return f"does not take the check (400): {told or 'bad request'}"
    return f"answers with HTTP status {status}" + (f": {told}" if told else "")
