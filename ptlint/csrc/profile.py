"""Profiles: an architecture and the configuration symbols that matter, read from one data file per architecture.

A data file is TOML in ``csrc/profiles``:

``[arch]``
    ``name``, ``folder`` (below ``arch/``), ``include`` (further include directories), ``mandatory_headers``,
    ``main`` (the profiles that a table of all architectures shows), ``stands`` (those that stand for all where generic
    code runs, which differs by architecture only in the helpers it calls), ``callers`` (those that stand for all where
    callers of helpers run), ``generic`` (those where what hardly differs by architecture runs: what detects batches,
    and callers on entries that map no page), ``borrowed`` (folders below ``arch/`` whose sources it builds too),
    ``shadowed`` (headers that those provide: the host's headers of these names are no substitute).
``[define]``
    macros the compiler predefines.
``[model]``
    the data model: fields of ``datamodel.DataModel``.
``[[when]]``
    ``config`` (symbols that must all be set, ``!X`` for unset) adds ``define``, ``model`` and ``include``.
``[profile.NAME]``
    ``base`` (another profile of the file), ``yes``, ``module`` and ``no`` (symbols in one string), ``value`` (the
    symbols that are numbers or strings).

``[standin]``
    headers by path, for trees that leave them out: just the facts of the machine or of an interface that code needs.

Other tables of the file belong to other layers and are left alone.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from ptlint.csrc.datamodel import DataModel
from ptlint.errors import UsageError

_ASSIGNMENT = re.compile(r"(CONFIG_\w+)=(.*)")
MAX_CONFIG_BYTES = 4 << 20


@dataclass(frozen=True)
class Profile:
    """An architecture under one configuration.

    ``config`` maps symbols without ``CONFIG_`` to ``y``, ``m``, a number or a quoted string; what is not in it is not
    set. ``predefined`` are the compiler's macros, ``include`` further include directories, in order.
    """

    name: str
    arch: str
    folder: str
    config: Mapping[str, str]
    predefined: Mapping[str, str]
    model: DataModel
    include: tuple[str, ...] = ()
    mandatory_headers: bool = True
    borrowed: tuple[str, ...] = ()
    shadowed: frozenset[str] = frozenset()
    data: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def own_folders(self) -> tuple[str, ...]:
        """Return the folders, each with ``/``, whose files belong to this architecture."""
        return tuple(f"arch/{one}/" for one in (self.folder, *self.borrowed))

    def is_set(self, symbol: str) -> bool:
        """Return whether *symbol* (without ``CONFIG_``) is ``y`` or ``m``."""
        return self.config.get(symbol) in ("y", "m")


@cache
def architectures() -> tuple[str, ...]:
    """Return the names of all architectures that have a data file, sorted."""
    folder = resources.files("ptlint.csrc") / "profiles"
    return tuple(sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".toml")))


@cache
def _data(arch: str) -> dict[str, Any]:
    if arch not in architectures():
        raise UsageError(f"unknown architecture {arch!r}: known are {', '.join(architectures())}")
    text = (resources.files("ptlint.csrc") / "profiles" / f"{arch}.toml").read_text("utf-8")
    return tomllib.loads(text)


@cache
def profile_names(arch: str) -> tuple[str, ...]:
    """Return the names of the profiles of *arch*, the default one first. Raises UsageError for an unknown one."""
    return tuple(_data(arch)["profile"])


@cache
def profile_named(name: str) -> Profile:
    """Return the profile *name*; the name of an architecture means its default profile.

    Raises UsageError when there is none.
    """
    arch = re.split(r"[/+]", name, maxsplit=1)[0]
    names = profile_names(arch)
    if name == arch and name not in names:
        name = names[0]
    if name not in names:
        raise UsageError(f"unknown profile {name!r}: {arch} has {', '.join(names)}")
    return _profile(arch, name, _config_of(_data(arch), name))


def profiles_for_arch(arch: str) -> tuple[Profile, ...]:
    """Return all profiles of *arch*, the default one first. Raises UsageError for an unknown architecture."""
    return tuple(profile_named(name) for name in profile_names(arch))


def all_profiles() -> tuple[Profile, ...]:
    """Return every profile of every architecture."""
    return tuple(profile for arch in architectures() for profile in profiles_for_arch(arch))


def main_profiles() -> tuple[Profile, ...]:
    """Return the profiles that show how architectures differ: those that ``[arch] main`` names, else the default."""
    names = (name for arch in architectures() for name in _data(arch)["arch"].get("main", profile_names(arch)[:1]))
    return tuple(profile_named(name) for name in names)


def stands_for_others(profile: Profile) -> bool:
    """Return whether generic code that runs under *profile* need not run on every other architecture as well."""
    return profile.name in profile.data.get("arch", {}).get("stands", ())


def runs_callers(profile: Profile) -> bool:
    """Return whether generic code that is no helper runs under *profile*: others stand for most of them."""
    arch = profile.data.get("arch")
    return not arch or any(profile.name in arch.get(key, ()) for key in ("callers", "generic"))


def further_profiles() -> tuple[Profile, ...]:
    """Return the profiles that ``[arch] further`` names: they show more where an architecture's own files change."""
    return tuple(profile_named(name) for arch in architectures() for name in _data(arch)["arch"].get("further", ()))


def profile_from_config(arch: str, text: bytes, source: str) -> Profile:
    """Return the profile of *arch* under a kernel ``.config``; *source* names the file in its name and in errors."""
    return _profile(arch, f"{arch}:{source}", read_config(text, source))


def read_config(data: bytes, source: str) -> dict[str, str]:
    """Return the symbols of a ``.config`` without ``CONFIG_``. Raises UsageError when it is not one."""
    if len(data) > MAX_CONFIG_BYTES:
        raise UsageError(f"{source}: {len(data)} bytes are too many for a kernel configuration")
    symbols: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        line = line.strip()
        found = _ASSIGNMENT.fullmatch(line)
        if found is not None:
            symbols[found.group(1)[7:]] = found.group(2)
        elif line and not line.startswith("#"):
            raise UsageError(f"{source}:{number}: not a line of a kernel configuration; give the .config of a build")
    if not symbols:
        raise UsageError(f"{source}: sets no CONFIG_ symbol; give the .config of a kernel build")
    return {name: value for name, value in symbols.items() if value != "n"}


def _config_of(data: Mapping[str, Any], name: str, depth: int = 0) -> dict[str, str]:
    own = data["profile"][name]
    config = _config_of(data, own["base"], depth + 1) if "base" in own and depth < 8 else {}
    config.update(dict.fromkeys(own.get("yes", "").split(), "y"))
    config.update(dict.fromkeys(own.get("module", "").split(), "m"))
    config.update({symbol: _spelled(value) for symbol, value in own.get("value", {}).items()})
    for symbol in own.get("no", "").split():
        config.pop(symbol, None)
    return config


def _spelled(value: object) -> str:
    return str(value) if isinstance(value, str) else str(int(value)) if isinstance(value, int) else repr(value)


def _holds(symbols: Iterable[str], config: Mapping[str, str]) -> bool:
    return all((one.lstrip("!") in config) != one.startswith("!") for one in symbols)


def _profile(arch: str, name: str, config: Mapping[str, str]) -> Profile:
    data = _data(arch)
    defines: dict[str, Any] = dict(_COMPILER)
    defines.update(data.get("define", {}))
    model: dict[str, Any] = dict(data.get("model", {}))
    include: list[str] = list(data["arch"].get("include", ()))
    for when in data.get("when", ()):
        if _holds(when["config"], config):
            defines.update(when.get("define", {}))
            model.update(when.get("model", {}))
            include.extend(when.get("include", ()))
    sizes = DataModel(**model)
    return Profile(
        name=name,
        arch=data["arch"]["name"],
        folder=data["arch"]["folder"],
        config=config,
        predefined={**_model_macros(sizes), **{key: str(value) for key, value in defines.items()}},
        model=sizes,
        include=tuple(include),
        mandatory_headers=data["arch"].get("mandatory_headers", True),
        borrowed=tuple(data["arch"].get("borrowed", ())),
        shadowed=frozenset(data["arch"].get("shadowed", ())),
        data=data,
    )


# What GCC 14 says on every architecture, and what the kernel passes on the command line.
_COMPILER = {
    "__KERNEL__": "1",
    "__GNUC__": "14",
    "__GNUC_MINOR__": "2",
    "__GNUC_PATCHLEVEL__": "0",
    "__VERSION__": '"14.2.0"',
    "__STDC__": "1",
    "__STDC_VERSION__": "201112L",
    "__STDC_HOSTED__": "1",
    "__OPTIMIZE__": "1",
    "__linux__": "1",
    "__CHAR_BIT__": "8",
    "__SIZEOF_SHORT__": "2",
    "__SIZEOF_INT__": "4",
    "__SIZEOF_LONG_LONG__": "8",
    "__SCHAR_MAX__": "0x7f",
    "__SHRT_MAX__": "0x7fff",
    "__INT_MAX__": "0x7fffffff",
    "__LONG_LONG_MAX__": "0x7fffffffffffffffLL",
    "__ORDER_LITTLE_ENDIAN__": "1234",
    "__ORDER_BIG_ENDIAN__": "4321",
    "__GCC_ASM_FLAG_OUTPUTS__": "1",
    "KBUILD_MODNAME": '"ptlint"',
    "KBUILD_BASENAME": '"ptlint"',
    "KBUILD_MODFILE": '"ptlint"',
    "__KBUILD_MODNAME": "kmod_ptlint",
}


def _model_macros(model: DataModel) -> dict[str, str]:
    wide = model.long_size == 8
    macros = {
        "__SIZEOF_LONG__": str(model.long_size),
        "__SIZEOF_POINTER__": str(model.pointer_size),
        "__SIZEOF_SIZE_T__": str(model.pointer_size),
        "__SIZEOF_PTRDIFF_T__": str(model.pointer_size),
        "__LONG_MAX__": "0x7fffffffffffffffL" if wide else "0x7fffffffL",
        "__BYTE_ORDER__": "__ORDER_BIG_ENDIAN__" if model.big_endian else "__ORDER_LITTLE_ENDIAN__",
        "__SIZE_TYPE__": "unsigned long" if wide else "unsigned int",
        "__UINTPTR_TYPE__": "unsigned long" if wide else "unsigned int",
        "__PTRDIFF_TYPE__": "long" if wide else "int",
        "__INT64_TYPE__": "long" if wide else "long long",
        "__UINT64_TYPE__": "unsigned long" if wide else "unsigned long long",
    }
    if wide:
        macros |= {"__LP64__": "1", "_LP64": "1", "__SIZEOF_INT128__": "16"}
    if not model.char_signed:
        macros["__CHAR_UNSIGNED__"] = "1"
    return macros
