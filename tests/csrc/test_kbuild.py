"""Makefiles say which files a configuration builds."""

import pytest

from ptlint.core.tree import MemoryTree
from ptlint.csrc.kbuild import Kbuild, Makefile
from ptlint.csrc.profile import profile_from_config

MAKEFILE = """\
obj-y := pgtable.o init_$(BITS).o \\
\tfault.o # the rest
obj-$(CONFIG_HUGETLB_PAGE) += hugetlbpage.o
obj-$(CONFIG_PPC_BOOK3S_64) += book3s64/
obj-$(CONFIG_NOHASH) += nohash/
ifdef CONFIG_NUMA
obj-y += numa.o
else
obj-y += flat.o
endif
ifeq ($(CONFIG_MODE),"wide")
obj-m += wide.o
else ifneq ($(CONFIG_HUGETLB_PAGE),y)
obj-y += never.o
endif
obj-y += whole.o
whole-y := part.o
whole-$(CONFIG_NUMA) += numa_part.o
"""


def kbuild(config: str = "CONFIG_HUGETLB_PAGE=m\nCONFIG_PPC_BOOK3S_64=y\nCONFIG_PPC64=y\n") -> Kbuild:
    files = {"arch/powerpc/mm/Makefile": MAKEFILE, "arch/powerpc/mm/book3s64/Makefile": "obj-y += pgtable.o\n",
             "arch/powerpc/mm/nohash/Makefile": "obj-y += tlb.o\n"}  # fmt: skip
    tree = MemoryTree({path: text.encode() for path, text in files.items()})
    return Kbuild(tree, profile_from_config("powerpc", config.encode(), ".config"))


@pytest.mark.parametrize(
    ("path", "built"),
    [
        ("pgtable.c", True),
        ("init_64.c", True),
        ("init_32.c", False),
        ("fault.c", True),
        ("hugetlbpage.c", True),
        ("numa.c", False),
        ("flat.c", True),
        ("part.c", True),
        ("numa_part.c", False),
        ("book3s64/pgtable.c", True),
        ("nohash/tlb.c", False),
        ("never.c", True),
        ("wide.c", False),
    ],
)
def test_a_file_is_built_when_the_lists_of_its_folders_name_it(path: str, built: bool) -> None:
    assert kbuild().builds(f"arch/powerpc/mm/{path}") is built


def test_a_folder_without_a_makefile_builds_all_of_its_files() -> None:
    assert kbuild().builds("arch/powerpc/kernel/anything.c")


def test_another_architecture_is_never_built() -> None:
    assert not kbuild().builds("arch/s390/mm/pgtable.c")


def test_a_variable_that_names_itself_ends() -> None:
    assert len(Makefile("A = $(A) $(A)\nA = $(A)$(A)x\nobj-y = $(A)\n", {}, {}).value("obj-y")) < 100
