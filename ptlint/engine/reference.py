"""The profile of the reference universe: what a patch without a tree is run on."""

from ptlint.csrc.datamodel import LP64
from ptlint.csrc.profile import Profile

REFERENCE = Profile(
    name="reference",
    arch="reference",
    folder="reference",
    config={"MMU": "y", "64BIT": "y", "SMP": "y"},
    predefined={"__LP64__": "1", "__SIZEOF_LONG__": "8", "__GNUC__": "13", "__KERNEL__": "1"},
    model=LP64,
    mandatory_headers=False,
    data={
        "mmu": {"valid": "REF_PRESENT", "accessed": "REF_YOUNG", "write": "REF_WRITE", "dirty_set": "REF_DIRTY"},
    },
)
"""Plain entries with hardware-managed accessed and dirty bits: ``ptlint/reference``."""
