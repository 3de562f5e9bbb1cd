"""Patches that concern no page tables: told apart by their words, answered without rules, and never wrongly."""

import io
import subprocess
from pathlib import Path

import pytest

from ptlint.core.patch import Series
from ptlint.engine.concern import concerns_page_tables
from ptlint.engine.early import early_report
from ptlint.engine.request import CheckRequest
from ptlint.mail import read_series, read_sources
from ptlint.tree.peek import peek
from tests.kernels import diff_of, mail, mailbox, replaced
from tests.shared import program

DRIVER = "int probe(void)\n{\n\treturn 0;\n}\n"
PAGES = DRIVER + "\n" * 20 + "static void walk(pte_t *ptep)\n{\n}\n"
EDIT = DRIVER.replace("0", "1")


def series_of(text: str) -> Series:
    return read_series(read_sources(["-"], io.BytesIO(text.encode())))


def git(folder: Path, *words: str) -> None:
    subprocess.run([program("git"), *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a repository with two drivers, of which one walks page tables far below what patches show."""
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers/net.c").write_text(DRIVER)
    (tmp_path / "drivers/pages.c").write_text(PAGES)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "base")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "text", "concerned"),
    [
        ("drivers/net/x.c", b"rx_adapter->attempted = corrupted(node->node_pgdat); communicate();", False),
        ("drivers/net/x.c", b"set_ptes(mm, addr, ptep, pte, nr);", True),
        ("drivers/net/x.c", b"flush_TLB_range(vma);", True),
        ("kernel/fork.c", b"arch_leave_lazy_mmu_mode();", True),
        ("fs/x.c", b"swp_entry_t entry;", True),
        ("include/linux/bits.h", b"#define BIT(n) (1 << (n))", True),
        ("arch/arm64/include/asm/x.h", b"", True),
        ("net/x.h", b"int x;", False),
        ("Documentation/mm/pte.rst", b"about the pte", False),
        ("mm/Makefile", b"obj-y += pte.o", False),
    ],
)
def test_words_and_place_say_whether_a_file_concerns_page_tables(path: str, text: bytes, concerned: bool) -> None:
    assert concerns_page_tables(path, [text]) is concerned


def test_a_series_about_something_else_is_answered_at_once(tree: Path) -> None:
    text = mail("[PATCH] net: probe", diff_of({"drivers/net.c": DRIVER}, {"drivers/net.c": EDIT}))
    for folder in (tree, None):
        report = early_report(CheckRequest(("-",)), series_of(text), folder)
        assert report is not None
        assert (report.findings, report.rules, [patch.applied for patch in report.patches]) == ((), (), [True])


def test_a_word_outside_the_hunks_counts(tree: Path) -> None:
    edit = {"drivers/pages.c": PAGES.replace("0", "1")}
    text = mail("[PATCH] pages: probe", diff_of({"drivers/pages.c": PAGES}, edit))
    assert early_report(CheckRequest(("-",)), series_of(text), tree) is None


def test_a_file_that_the_tree_does_not_have_is_judged_by_what_is_shown(tree: Path) -> None:
    """Unless it stands where page tables are, or the repository knows the file that the patch was made from."""
    for path, is_early in (("drivers/new.c", True), ("mm/new.c", False), ("include/linux/new.c", False)):
        text = mail("[PATCH] net: probe", diff_of({path: DRIVER}, {path: EDIT}))
        assert (early_report(CheckRequest(("-",)), series_of(text), tree) is not None) is is_early
    git(tree, "checkout", "-q", "-b", "next")
    (tree / "drivers/moved.c").write_text(PAGES + "int x;\n")
    git(tree, "add", ".")
    git(tree, "commit", "-q", "-m", "moved")
    (tree / "drivers/moved.c").write_text(PAGES.replace("0", "1") + "int x;\n")
    git(tree, "commit", "-q", "-a", "-m", "next")
    made = subprocess.run([program("git"), "diff", "HEAD~1", "HEAD"], cwd=tree, check=True, capture_output=True).stdout
    git(tree, "checkout", "-q", "-")
    assert early_report(CheckRequest(("-",)), series_of(mail("[PATCH] x", made.decode())), tree) is None


def test_a_repository_that_cannot_be_read_is_no_repository_without_the_file(tree: Path) -> None:
    text = mail("[PATCH] net: probe", diff_of({"drivers/net.c": DRIVER}, {"drivers/net.c": EDIT}))
    (tree / ".git/HEAD").write_text("damaged")
    assert early_report(CheckRequest(("-",)), series_of(text), tree) is None


def test_a_plain_tree_is_read_as_well(tree: Path) -> None:
    (tree / ".git").rename(tree / "no-git")
    for path, expected in (("drivers/net.c", True), ("drivers/pages.c", False)):
        old = (tree / path).read_text()
        text = mail("[PATCH] x", diff_of({path: old}, {path: old.replace("0", "1")}))
        assert (early_report(CheckRequest(("-",)), series_of(text), tree) is not None) is expected


def test_page_table_code_options_and_damage_take_the_long_way(tree: Path) -> None:
    helpers = mailbox(replaced("old_pte = pte_next_pfn(old_pte);", "old_pte = pte;"))
    assert early_report(CheckRequest(("-",)), series_of(helpers), None) is None
    text = mail("[PATCH] net: probe", diff_of({"drivers/net.c": DRIVER}, {"drivers/net.c": EDIT}))
    assert early_report(CheckRequest(("-",), select=("PT9",)), series_of(text), tree) is None
    assert early_report(CheckRequest(("-",), archs=("pdp11",)), series_of(text), tree) is None
    assert early_report(CheckRequest(("-",)), series_of(text.replace("@@ -1,4", "@@ -1,9")), tree) is None


def test_peek_reads_what_git_has_and_nothing_else(tree: Path) -> None:
    names = [
        "HEAD:drivers/net.c",
        "HEAD:drivers/absent.c",
        "HEAD:a b.c",
        "nowhere:drivers/net.c",
        "HEAD:x\ny",
        "HEAD:drivers",
    ]
    assert peek(tree, names) == (DRIVER.encode(), b"", b"", b"", None, None)
    assert peek(tree / "drivers", ["HEAD:drivers/net.c"]) == (None,)
    assert peek(tree.parent, names) == (None,) * 6
