"""Profiles are data: every one loads, and what is no configuration is refused in one sentence."""

import pytest

from ptlint.csrc.profile import (
    Profile,
    all_profiles,
    architectures,
    main_profiles,
    profile_from_config,
    profile_named,
    profiles_for_arch,
    read_config,
)
from ptlint.errors import UsageError


def test_every_architecture_has_a_profile_that_its_name_means() -> None:
    assert len(architectures()) >= 20
    for arch in architectures():
        assert profile_named(arch) == profiles_for_arch(arch)[0]


@pytest.mark.parametrize("profile", all_profiles(), ids=lambda profile: profile.name)
def test_a_profile_agrees_with_itself(profile: Profile) -> None:
    found = profile_named(profile.name)
    wide = found.model.long_size == 8
    assert ("__LP64__" in found.predefined) == wide
    assert found.predefined["__SIZEOF_POINTER__"] == str(found.model.pointer_size)
    if "64BIT" in found.config:
        assert wide


def test_names_are_those_of_the_design() -> None:
    assert profile_named("x86+xen").is_set("PARAVIRT_XXL")
    assert profile_named("arm64").is_set("ARM64_CONTPTE")
    assert not profile_named("arm64+nocontpte").is_set("ARM64_CONTPTE")
    radix, hash_ = profile_named("powerpc/radix"), profile_named("powerpc/hash")
    assert (radix.is_set("PPC_RADIX_MMU"), radix.is_set("PPC_64S_HASH_MMU")) == (True, False)
    assert (hash_.is_set("PPC_RADIX_MMU"), hash_.is_set("PPC_64S_HASH_MMU")) == (False, True)
    assert {"x86+xen", "arm64+nocontpte"} <= {profile.name for profile in main_profiles()}


@pytest.mark.parametrize("name", ["vax", "", "arm64+nothing", "../x86", "x86/"])
def test_an_unknown_profile_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(UsageError, match=r"unknown (architecture|profile).*(arm64|x86)"):
        profile_named(name)


def test_a_configuration_is_read_as_the_kernel_writes_it() -> None:
    text = b'# Made by make\nCONFIG_64BIT=y\nCONFIG_X=m\nCONFIG_N=12\nCONFIG_S="a b"\n# CONFIG_Y is not set\n'
    assert read_config(text, ".config") == {"64BIT": "y", "X": "m", "N": "12", "S": '"a b"'}
    profile = profile_from_config("riscv", text, "my.config")
    assert (profile.name, profile.model.long_size) == ("riscv:my.config", 8)
    assert profile_from_config("riscv", b"CONFIG_MMU=y\n", "b").model.long_size == 4


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\x7fELF\x02\x01", b"# only a comment\n", b"CONFIG_A=y\n{}\n"])
def test_what_is_no_configuration_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"^my\.config.*configuration|^my\.config: sets no CONFIG_ symbol"):
        read_config(data, "my.config")
