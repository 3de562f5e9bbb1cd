"""The page that describes the JSON names every key that is written."""

import io
import json
import re
from collections.abc import Iterator

from ptlint.report import load_format
from tests.report.sample import FULL
from tests.shared import ROOT

FREE_KEYS = {"addr", "nr"}
"""Names of arguments in the sample's counterexample: data, not schema (``nr`` is both)."""


def keys_of(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def test_the_page_names_every_key() -> None:
    out = io.StringIO()
    load_format("json").report(FULL, out)
    page = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    named = {re.sub(r"[\[\]{}]", "", name).split(".")[-1] for name in re.findall(r"`([a-z_.\[\]{}]+)`", page)}
    assert set(keys_of(json.loads(out.getvalue()))) - FREE_KEYS - named == set()
