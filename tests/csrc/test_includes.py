"""Includes are searched for where the kernel's own build searches."""

from ptlint.core.tree import MemoryTree
from ptlint.csrc.includes import IncludePath
from ptlint.csrc.profile import profile_named


def path_for(*files: str, profile: str = "riscv", **content: bytes) -> IncludePath:
    held = dict.fromkeys(files, b"")
    held.update({name.replace("__", "/").replace("_dash_", "-"): data for name, data in content.items()})
    return IncludePath(MemoryTree(held), profile_named(profile))


def test_the_architecture_comes_before_the_generic_header() -> None:
    both = path_for("arch/riscv/include/asm/tlb.h", "include/asm-generic/tlb.h")
    assert both.find("asm/tlb.h", False, "include/linux/mm.h") == "arch/riscv/include/asm/tlb.h"
    assert path_for("include/asm-generic/tlb.h").find("asm/tlb.h", False, "a.c") == "include/asm-generic/tlb.h"


def test_a_generic_header_stands_in_only_where_a_kbuild_lists_it() -> None:
    files = {
        "arch/riscv/include/asm/Kbuild": b"generic-y += early_ioremap.h\ngeneric-y += \\\n\tuser.h\n",
        "include/asm-generic/Kbuild": b"mandatory-y += mmu.h\n",
        **dict.fromkeys(("early_ioremap.h", "user.h", "mmu.h", "hugetlb.h"), b""),
    }
    files = {(f"include/asm-generic/{name}" if "/" not in name else name): data for name, data in files.items()}
    search = IncludePath(MemoryTree(files), profile_named("riscv"))
    found = [search.find(f"asm/{name}.h", False, "a.c") for name in ("early_ioremap", "user", "mmu", "hugetlb")]
    assert [path is not None for path in found] == [True, True, True, False]


def test_a_quoted_name_is_looked_for_beside_the_file_first() -> None:
    search = path_for("mm/internal.h", "include/internal.h")
    assert search.find("internal.h", True, "mm/memory.c") == "mm/internal.h"
    assert search.find("internal.h", False, "mm/memory.c") == "include/internal.h"
    assert search.find("../mm/internal.h", True, "fs/inode.c") == "mm/internal.h"


def test_no_name_leads_out_of_the_tree() -> None:
    search = path_for("mm/internal.h")
    assert search.find("../../etc/passwd", True, "mm/memory.c") is None
    assert search.find("/etc/passwd", False, "mm/memory.c") is None


def test_include_next_goes_on_behind_the_folder_of_the_file() -> None:
    search = path_for("arch/riscv/include/linux/a.h", "include/linux/a.h")
    assert search.find("linux/a.h", False, "arch/riscv/include/linux/a.h", "arch/riscv/include") == "include/linux/a.h"


def test_user_mode_linux_borrows_from_its_host_but_not_what_it_has_itself() -> None:
    search = path_for("arch/x86/include/asm/bitops.h", "arch/x86/include/asm/processor.h", profile="um")
    assert search.find("asm/bitops.h", False, "a.c") == "arch/x86/include/asm/bitops.h"
    assert search.find("asm/processor.h", False, "a.c") is None
