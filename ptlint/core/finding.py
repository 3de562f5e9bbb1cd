"""What a rule reports."""

import re
from dataclasses import dataclass

from ptlint.core.outcome import Counterexample
from ptlint.core.patch import PatchRef
from ptlint.core.rule import Severity
from ptlint.core.span import Span


@dataclass(frozen=True, slots=True)
class Related:
    """A second place of the story. ``function`` is the function it stands in, empty at file scope.

    ``line_text`` is the source line at ``span``, empty where that is the one in the report's sources.
    """

    span: Span
    text: str
    function: str = ""
    line_text: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A line under a finding. ``kind``: ``help``, ``info``, ``seen-by``, ``not-checked``."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken contract at one place.

    ``archs`` are profile names (``"arm64"``, ``"powerpc/radix"``), sorted; empty for an architecture-free rule.
    ``patch`` is the patch that introduces it, ``fixed_by`` the later one of the series that repairs it. ``line_text``
    is the source line at ``span``, which the fingerprint is made from.
    """

    code: str
    name: str
    severity: Severity
    message: str
    span: Span
    function: str = ""
    archs: tuple[str, ...] = ()
    patch: PatchRef | None = None
    fixed_by: PatchRef | None = None
    related: tuple[Related, ...] = ()
    notes: tuple[Note, ...] = ()
    counterexample: Counterexample | None = None
    line_text: str = ""

    @property
    def fingerprint(self) -> str:
        """Return an id that survives moved lines and new wording: of code, path, function and normalised line."""
        import hashlib  # costs 6 ms, and most runs find nothing

        line = re.sub(r"\s+", " ", self.line_text).strip()
        key = "\0".join((self.code, self.span.path, self.function, line))
        return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()[:16]
