"""The macros that a translation unit begins with: the compiler's and the configuration's."""

from functools import lru_cache

from ptlint.csrc.macrodefs import PREDEFINED, Macro, define_from
from ptlint.csrc.profile import Profile


@lru_cache(maxsize=256)
def _predefined(key: tuple[tuple[str, str], ...]) -> tuple[Macro, ...]:
    return tuple(define_from(f"{name} {value}", PREDEFINED, 0) for name, value in key)


def predefined_macros(profile: Profile) -> tuple[Macro, ...]:
    """Return the macros that the compiler and ``autoconf.h`` would define."""
    macros = dict(profile.predefined)
    for symbol, value in profile.config.items():
        macros[f"CONFIG_{symbol}_MODULE" if value == "m" else f"CONFIG_{symbol}"] = "1" if value in "ym" else value
    return _predefined(tuple(macros.items()))
