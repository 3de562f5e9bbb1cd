"""The call models of a tree, profile by profile: those kept from an earlier run, the others built and kept."""

import copy
import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ptlint.cli._progress import Progress
from ptlint.errors import UsageError
from ptlint.store import FactStore

if TYPE_CHECKING:
    from ptlint.calls.facts import ProfileModel
    from ptlint.core.tree import SourceTree

KIND = "call model"


class Selection:
    """Which profiles a command looks at: those named, all of the architectures named, or one made of a ``.config``.

    Raises UsageError for what is asked wrongly. The profiles themselves are read when a model has to be built.
    """

    def __init__(self, archs: Sequence[str], config: Path | None, every: bool) -> None:
        self.archs = tuple(archs)
        self.every = every
        self.config: tuple[str, bytes] | None = None
        self.some: frozenset[str] | None = None
        if config is not None:
            if len(archs) != 1:
                raise UsageError("--config needs one --arch, the architecture that the configuration is for")
            self.config = (str(config), _read(config))

    def touched(self, paths: Collection[str], store: FactStore) -> "Selection":
        """Return the part of it that a change of *paths* can concern."""
        from ptlint.passes.outcomes import profiles_touched

        part = copy.copy(self)
        own = {name: self.profile(name) for name in self.names(store)}
        wanted = {profile.name for profile in profiles_touched(own.values(), paths)}
        part.some = frozenset(name for name, profile in own.items() if profile.name in wanted)
        return part

    def names(self, store: FactStore) -> tuple[str, ...]:
        """Return the names of the profiles, in order."""
        return tuple(name for name in self._names(store) if self.some is None or name in self.some)

    def _names(self, store: FactStore) -> tuple[str, ...]:
        if self.config is not None:
            return (self.config[0],)
        key = ["every" if self.every else "main", *self.archs]
        known = store.get("profile names", key, _texts)
        if known is None:
            known = tuple(profile.name for profile in self._profiles())
            store.put("profile names", key, list(known))
        return known

    def _profiles(self) -> "tuple[Profile, ...]":
        from ptlint.csrc.profile import all_profiles, main_profiles, profile_named, profiles_for_arch

        if not self.archs:
            return all_profiles() if self.every else main_profiles()
        if self.every:
            return tuple(profile for arch in self.archs for profile in profiles_for_arch(arch))
        return tuple(profile_named(name) for name in self.archs)

    def profile(self, name: str) -> "Profile":
        """Return the profile called *name*, one of ``names``."""
        from ptlint.csrc.profile import profile_from_config, profile_named, profile_names

        if self.config is not None:
            profile_names(self.archs[0])
            return profile_from_config(self.archs[0], self.config[1], self.config[0])
        return profile_named(name)

    def key(self, name: str) -> list[str]:
        """Return what tells the profile called *name* from any other."""
        if self.config is None:
            return ["profile", name]
        return ["config", *self.archs, self.config[0], hashlib.sha256(self.config[1]).hexdigest()]


if TYPE_CHECKING:
    from ptlint.csrc.profile import Profile


def models_of(
    tree: "SourceTree",
    selection: Selection,
    store: FactStore,
    symbols: Sequence[str],
    everything: bool = False,
    callers: bool = False,
) -> "tuple[ProfileModel, ...]":
    """Return the models of *tree* in the selection's order: for *symbols*, else the hooks, or all page-table names."""
    from ptlint.calls.record import SCHEMA, model_of, record_of
    from ptlint.core.tree import content_key, unread

    content = content_key(tree)
    scope = sorted(symbols) if symbols else [" everything" if everything else " hooks"]
    scope += [" callers"] if callers else []
    found: list[ProfileModel] = []
    names = selection.names(store)
    with Progress() as progress:
        for number, name in enumerate(names, start=1):
            progress(f"reading {name} ({number} of {len(names)} profiles)")
            key = [SCHEMA, content or "", *selection.key(name), *scope]
            model = store.get(KIND, key, model_of) if content is not None else None
            if model is None:
                model = _built(tree, selection.profile(name), symbols, everything, callers)
                if content is not None and not unread(tree):
                    store.put(KIND, key, record_of(model))
            found.append(model)
    return tuple(found)


def _built(
    tree: "SourceTree", profile: "Profile", symbols: Sequence[str], everything: bool, callers: bool
) -> "ProfileModel":
    from ptlint.calls.hooks import hooks
    from ptlint.calls.model import profile_model
    from ptlint.csrc.universe import load_universe

    universe = load_universe(tree, profile)
    if symbols or everything:
        return profile_model(universe, symbols, callers)
    return profile_model(universe, hooks(universe))


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError("no list of names")
    return tuple(value)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; --config names the .config of a kernel build") from error
