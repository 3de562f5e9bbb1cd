"""What running the helpers of a tree came to, profile by profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ptlint.core.tree import SourceTree
from ptlint.csrc.profile import Profile
from ptlint.csrc.universe import SourceText, load_universe
from ptlint.sim.families import judgements
from ptlint.sim.judgement import Judgement
from ptlint.sim.program import Program


@dataclass
class Runs:
    """The judgements of one tree, each profile run once and kept. ``overrides`` stand in for the tree's functions."""

    tree: SourceTree
    overrides: Mapping[str, SourceText] = field(default_factory=dict)
    _kept: dict[tuple[str, frozenset[str] | None], tuple[Judgement, ...]] = field(default_factory=dict)

    def of(self, profile: Profile, interest: frozenset[str] | None = None) -> tuple[Judgement, ...]:
        """Return the judgements of every subject under *profile*; with *interest*, whole only where they use it."""
        key = (profile.name, interest)
        if key not in self._kept:
            universe = load_universe(self.tree, profile, overrides=self.overrides)
            self._kept[key] = tuple(judgements(Program(universe), profile.name, interest))
        return self._kept[key]


def profiles_touched(profiles: Iterable[Profile], paths: Iterable[str]) -> tuple[Profile, ...]:
    """Return the profiles that a change of *paths* can concern: a file below ``arch/X`` concerns X only."""
    folders = {path.split("/")[1] if path.startswith("arch/") and path.count("/") > 1 else "" for path in paths}
    return tuple(profile for profile in profiles if "" in folders or folders & {profile.folder, *borrowed(profile)})


def profiles_of(tree: SourceTree, profiles: Iterable[Profile]) -> tuple[Profile, ...]:
    """Return the profiles whose architecture the tree has: a page-table header below ``arch/``."""
    return tuple(p for p in profiles if tree.exists(f"arch/{p.folder}/include/asm/pgtable.h"))


def borrowed(profile: Profile) -> tuple[str, ...]:
    """Return the architectures whose folders the profile also uses (um uses x86's)."""
    return tuple(getattr(profile, "borrowed", ()))
