"""What is found in the series of the corpus, without a tree: neither more nor less than what was looked at by hand.

``corpus_findings.tsv`` holds code, file, function and Message-ID of each; ``--bless`` rewrites it, and each new line
wants to be read beside the patch before it is kept.
"""

from pathlib import Path

import pytest

from ptlint.engine.request import CheckRequest
from ptlint.engine.run import check
from tests.shared import shared

PINNED = Path(__file__).with_name("corpus_findings.tsv")


def test_the_findings_over_the_corpus_are_those_that_were_looked_at(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    found: set[str] = set()
    failed: list[str] = []
    for box in sorted(shared("corpus/lore").glob("*.mbox")):
        report = check(CheckRequest(inputs=(str(box),), cwd=tmp_path))
        failed += [f"{box.name}: {entry.what}: {entry.reason}" for entry in report.left_out if entry.kind == "PT010"]
        for one in report.findings:
            message_id = one.patch.message_id if one.patch is not None else ""
            found.add("\t".join((one.code, one.span.path, one.function, message_id)))
    assert failed == []
    lines = sorted(found)
    if request.config.getoption("--bless"):
        PINNED.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert lines == PINNED.read_text(encoding="utf-8").splitlines()
