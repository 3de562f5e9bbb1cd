"""``.ptlint.toml``: what it may say, and the sentence for what it may not."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ptlint.config import Config, Ignore, read_config
from ptlint.errors import UsageError
from tests.report.sample import WARNING

GOOD = b"""\
[rules]
select = ["PT1", "pt407"]
ignore = ["PT106"]

[[ignore]]
rules = ["PT407"]
path = "mm/damon/*"
function = "damon_*"
reason = "older than
 ptep_get()"
"""


def test_rules_and_ignores_are_read_with_their_lines() -> None:
    config = read_config(GOOD.replace(b"than\n ptep", b"than ptep"))
    assert (config.select, config.ignore) == (("PT1", "PT407"), ("PT106",))
    assert config.ignores == (Ignore(("PT407",), "older than ptep_get()", "mm/damon/*", "damon_*", 5),)


def test_no_file_asks_for_nothing() -> None:
    assert read_config(None) == read_config(b"") == Config()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (GOOD, "is no TOML"),
        (b"\xff", "not UTF-8"),
        (b"a = " + b"[" * 100_000, "TOML|deeply"),
        (b"x = 1", "'x'"),
        (b"rules = 3", "'rules' not as"),
        (b"[ignore]\n", "'ignore' not as"),
        (b"[rules]\nselct = []", "'selct' under"),
        (b"[rules]\nselect = 'PT1'", "no list of codes"),
        (b"[rules]\nselect = ['*']", "no list of codes"),
        (b"\n[[ignore]]\nrules = ['PT1']", ":2 has an .*without a reason"),
        (b"[[ignore]]\nreason = 'x'", ":1 has an .*without rules"),
        (b"[[ignore]]\nrules = ['PT1']\nreason = '  '", "without a reason"),
        (b"[[ignore]]\nrules = ['PT1']\nreason = 'x'\nline = 3", "'line' under"),
        (b"[[ignore]]\nrules = ['PT1']\nreason = 'x'\npath = 3", "a path that is no text"),
        (b"ignore = [3]", "no table"),
        (b"#" * (1 << 20) + b"#", "larger than"),
    ],
)
def test_a_broken_file_is_refused_with_a_sentence(text: bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        read_config(text)


@given(st.binary(max_size=200) | st.text(alphabet="[]{}\"'=ignore ules\n.", max_size=60).map(str.encode))
def test_no_file_ends_in_anything_but_a_configuration_or_a_sentence(data: bytes) -> None:
    with contextlib.suppress(UsageError):
        assert isinstance(read_config(data), Config)


@pytest.mark.parametrize(
    ("ignore", "covers"),
    [
        (Ignore((WARNING.code,), "x"), True),
        (Ignore((WARNING.code[:3],), "x"), True),
        (Ignore(("ZZ",), "x"), False),
        (Ignore((WARNING.code,), "x", WARNING.span.path), True),
        (Ignore((WARNING.code,), "x", WARNING.span.path.split("/")[0] + "/*"), True),
        (Ignore((WARNING.code,), "x", "fs/*"), False),
        (Ignore((WARNING.code,), "x", "", WARNING.function), True),
        (Ignore((WARNING.code,), "x", "", WARNING.function + "x"), False),
    ],
)
def test_an_ignore_covers_by_code_path_and_function(ignore: Ignore, covers: bool) -> None:
    assert ignore.covers(WARNING) is covers
