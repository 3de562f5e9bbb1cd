"""Errors that a user can cause: one clear sentence each. Anything else is a bug and keeps its traceback."""


class PtlintError(Exception):
    """A failure with one clear sentence for the user. ``exit_code`` is the documented one (DESIGN: 2 or 3)."""

    exit_code = 2


class UsageError(PtlintError):
    """A wrong option, configuration or rule file."""

    exit_code = 2


class RuleLoadError(UsageError):
    """A rule file that cannot be used: ptlint stops rather than check less than it says."""


class InputError(PtlintError):
    """Input that cannot be read as mail, a patch or a tree."""

    exit_code = 3


class TreeError(InputError):
    """A tree, revision or base that cannot be used."""


class ObjectError(TreeError):
    """One object of a repository that is damaged, or not there: the others can still be read."""


class SeriesUnknown(InputError):
    """A mail of a series, and no way from it to the others."""
