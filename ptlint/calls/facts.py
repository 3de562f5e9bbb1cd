"""The values of the call model."""

from dataclasses import dataclass

from ptlint.core.span import Span


@dataclass(frozen=True, slots=True)
class Definition:
    """How a name is defined in one universe.

    ``kind`` is ``arch`` or ``generic``, by the place that defines it (for an alias: that makes it one). ``shape`` is
    ``inline`` (a body in a header), ``extern`` (a prototype in a header; ``definition`` is in a ``.c`` file, None when
    the configuration builds none), ``macro`` or ``alias`` (an object-like macro that is another name: ``via`` lists the
    names passed through, and ``definition`` is that of the last). ``prototype`` is where a reader meets the name first.
    ``body`` is the text of a macro on one line.
    """

    name: str
    kind: str
    shape: str
    definition: Span | None
    prototype: Span
    via: tuple[str, ...] = ()
    target_shape: str = ""
    body: str = ""

    @property
    def function(self) -> str:
        """Return the name of the function that runs: the last alias, or the name itself."""
        return self.via[-1] if self.via else self.name


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of the answer to "why this body": a sentence without its full stop, and the line that proves it."""

    text: str
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A name that a body calls. ``through`` is the field of an ops table by which it is reached, if any."""

    name: str
    through: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """A function or macro that calls a name, and the line of the first call."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Row:
    """What the model knows of one name under one profile.

    ``guard`` is the condition that chooses between the generic and an architecture's body, ``""`` when there is none.
    ``uses`` are the parameters whose value matters, ``parameters`` all of them; both are empty for a macro.
    ``signature`` is the type of the function with typedefs resolved; ``callers`` are filled when they are asked for.
    """

    definition: Definition
    guard: str
    calls: tuple[Call, ...]
    parameters: tuple[str, ...]
    uses: tuple[str, ...]
    why: tuple[Reason, ...] = ()
    signature: str = ""
    callers: tuple[Caller, ...] = ()


@dataclass(frozen=True, slots=True)
class ProfileModel:
    """The rows of one profile, by name, and what of the tree could not be read on the way.

    ``name`` is that of the profile, ``arch`` its architecture.
    """

    name: str
    arch: str
    rows: dict[str, Row]
    not_understood: tuple[tuple[Span, str], ...]
