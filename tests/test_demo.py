"""The bundled demo is what it says: it applies, it is C, and the flush is really lost, as a compiled run shows."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shared import FIXTURES, program

DEMO = FIXTURES / "demo"

# What the simulator models, for a compiler: single-threaded stand-ins are enough to count flushes.
PRELUDE = """
#define READ_ONCE(x) (x)
#define WRITE_ONCE(x, value) ((x) = (value))
#define xchg(p, value) __atomic_exchange_n((p), (value), __ATOMIC_SEQ_CST)
"""

HARNESS = """
#include <linux/mm.h>
extern int printf(const char *, ...);
static int flushes;
void flush_tlb_page(struct vm_area_struct *vma, unsigned long addr) { flushes++; }
void flush_tlb_range(struct vm_area_struct *vma, unsigned long start, unsigned long end) {}
int main(void)
{
	struct mm_struct mm = { 0 };
	struct vm_area_struct vma = { .vm_mm = &mm };
	pte_t ptes[4];

	for (int i = 0; i < 4; i++)
		ptes[i] = pfn_pte(0x10 + i, PAGE_READONLY);
	change_pte_range(&vma, ptes, 0, 4 * PAGE_SIZE, PAGE_SHARED);
	for (int i = 0; i < 4; i++)
		printf("%lx %d\\n", pte_pfn(ptes[i]), !!pte_write(ptes[i]));
	printf("flushes %d\\n", flushes);
}
"""

WRITABLE = ["10 1", "11 1", "12 1", "13 1"]


def git(tree: Path, *words: str) -> None:
    subprocess.run([program("git"), *words], cwd=tree, check=True, capture_output=True)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """Return a repository of the demo tree."""
    tree = tmp_path / "tree"
    shutil.copytree(DEMO / "tree", tree)
    git(tree, "init", "-q")
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "-m", "base")
    return tree


@pytest.fixture
def patched(base: Path) -> Path:
    """Return the same with the series on it."""
    git(base, "am", str(DEMO / "series.mbox"))
    return base


def output_of(tree: Path, arch: str, config: str = "") -> list[str]:
    """Compile the page-table code of *arch* for this machine with the harness and return what it prints."""
    folder = tree.parent / f"{arch}{config}"
    folder.mkdir()
    (folder / "prelude.h").write_text(PRELUDE)
    (folder / "harness.c").write_text(HARNESS)
    sources = [folder / "harness.c", tree / "mm/mprotect.c"]
    flags = ["-std=gnu11", "-Wall", "-Werror", "-nostdinc", f"-include{folder}/prelude.h"]
    flags += [f"-I{tree}/arch/{arch}/include", f"-I{tree}/include"]
    if config:
        sources.append(tree / "arch/powerpc/mm/book3s64/pgtable.c")
        flags.append(f"-D{config}")
    subprocess.run([program("gcc"), *flags, *map(str, sources), "-o", str(folder / "run")], check=True)
    return subprocess.run([folder / "run"], check=True, capture_output=True, text=True).stdout.splitlines()


def test_the_series_applies_as_git_am_does_it(patched: Path) -> None:
    log = subprocess.run(
        [program("git"), "log", "--format=%s"], cwd=patched, capture_output=True, text=True, check=True
    )
    assert log.stdout.splitlines()[:2] == [
        "mm/mprotect: change present entries in batches",
        "mm: start and commit protection changes in batches",
    ]


def test_without_the_series_every_entry_is_flushed(base: Path) -> None:
    assert output_of(base, "powerpc", "CONFIG_PPC_BOOK3S_64") == [*WRITABLE, "flushes 4"]


def test_the_series_loses_the_flush_of_all_entries_but_the_first(patched: Path) -> None:
    assert output_of(patched, "powerpc", "CONFIG_PPC_BOOK3S_64") == [*WRITABLE, "flushes 1"]


@pytest.mark.parametrize("arch", ["x86", "powerpc"])
def test_nobody_else_looks_at_the_old_value(patched: Path, arch: str) -> None:
    assert output_of(patched, arch) == [*WRITABLE, "flushes 0"]
