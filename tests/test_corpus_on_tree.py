"""What is found in series of the corpus on the 7.3 kernel: the pinned lines of those that take a few seconds.

``python -m tests.corpus_on_tree`` runs all and writes ``corpus_on_tree.tsv``.
"""

from pathlib import Path

import pytest

from tests.corpus_on_tree import found, pinned
from tests.shared import shared

QUICK = (
    "avoid-set-pte-at-present-v1",
    "clear-not-present-v1",
    "fetch-dirty-bit-rfc",
    "mprotect-batch-v2",
    "mprotect-batch-v5-hotfix",
    "ppc-mprotect-book3s32-v3",
    "ppc-pte-needs-flush-v2",
    "willy-nesting-lazy-mmu-v1",
)


def test_every_mailbox_without_replies_is_pinned() -> None:
    boxes = {box.stem for box in shared("corpus/lore").glob("*.mbox") if not box.stem.endswith("-thread")}
    assert boxes - set(pinned()) == set()


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_the_findings_on_the_tree_are_those_that_were_looked_at(name: str, kernel: Path) -> None:
    assert found(shared(f"corpus/lore/{name}.mbox"), kernel) == pinned()[name]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "arch"),
    [("zap-pte-mapped-thp-v1", "x86/pae"), ("fork-pte-mapped-thp-v1", "s390")],
)
def test_functions_of_another_time_that_run_in_place_of_the_tree_s_are_not_blamed_for_it(
    name: str, arch: str, kernel: Path
) -> None:
    assert found(shared(f"corpus/lore/{name}.mbox"), kernel, "--arch", arch) == []
