"""The rule loader: what it takes, what it refuses, and what a selection leaves."""

import sys
from pathlib import Path

import pytest

from ptlint.engine import rules as rule_loader
from ptlint.engine.rules import load_rule, load_rules, select_rules
from ptlint.errors import RuleLoadError, UsageError

COMPLETE = '''\
from ptlint.core.rule import Evidence, Merge, RuleInfo, Severity, invalid, valid

EXPLANATION = """
*What it reports*
A lost bit.

*Why it matters*
Data goes with it.

*What to do*
Keep the bit.

*When it is wrong*
Never.
"""

RULE = RuleInfo(
    code="PT901",
    name="lost-bit",
    summary="a bit is lost",
    explanation=EXPLANATION,
    severity=Severity.ERROR,
    merge=Merge.ANY,
    since="0.1.0",
    evidence=(Evidence("commit", "0123456789ab", "mm: keep the bit"),),
    examples=(
        invalid('lose(ptep); // want "lost"', why="nobody keeps it"),
        valid("keep(ptep);", why="it is kept"),
    ),
)


def check(ctx):
    yield from ()
'''


def rule_file(folder: Path, text: str = COMPLETE, name: str = "pt901_lost_bit.py") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in for the packaged folder."""
    folder = tmp_path / "own"
    folder.mkdir()
    monkeypatch.setattr(rule_loader, "packaged_folder", lambda: folder)
    return folder


def test_a_complete_rule_is_loaded(own: Path) -> None:
    path = rule_file(own)
    (rule,) = load_rules()
    assert (rule.info.code, rule.path) == ("PT901", path)
    assert list(rule.check(None)) == []


def test_a_further_folder_is_never_written_to(own: Path, tmp_path: Path) -> None:
    rule_file(own)
    more = tmp_path / "more"
    more.mkdir()
    rule_file(more, COMPLETE.replace("PT901", "SITE001"), "site001_lost_bit.py")
    assert [rule.info.code for rule in load_rules([more])] == ["PT901", "SITE001"]
    assert [path.name for path in more.iterdir()] == ["site001_lost_bit.py"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("*Why it matters*", "*Why*", "no heading 'Why it matters'"),
        ("Never.", "", "nothing under 'When it is wrong'"),
        ('(Evidence("commit", "0123456789ab", "mm: keep the bit"),)', "()", "evidence is empty"),
        ('"0123456789ab"', '"main"', "not a commit id"),
        ('Evidence("commit"', 'Evidence("rumour"', "commit, lore or doc"),
        ('valid("keep(ptep);"', 'invalid("keep(ptep);"', "hold no valid one"),
        (' // want "lost"', "", 'no // want "regex"'),
        ('"lost"\'', '"(lost"\'', "no regular expression"),
        ('why="it is kept"', 'why=" "', "does not say why"),
        ('"a bit is lost"', '""', "summary must be one line"),
        ('code="PT901"', 'code="PT9"', "capital letters and three digits"),
        ('name="lost-bit"', 'name="LostBit"', "lower-case words"),
        ('since="0.1.0"', 'since=""', "since must name the version"),
    ],
)
def test_an_incomplete_rule_is_refused_with_its_line(tmp_path: Path, before: str, after: str, sentence: str) -> None:
    assert before in COMPLETE
    path = rule_file(tmp_path, COMPLETE.replace(before, after, 1))
    with pytest.raises(RuleLoadError) as refusal:
        load_rule(path)
    assert sentence in str(refusal.value)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), start=1) if text.startswith("RULE"))
    assert str(refusal.value).startswith(f"{path}:{line}: ")
    assert "\n" not in str(refusal.value)


def test_a_file_must_be_called_after_its_rule(tmp_path: Path) -> None:
    with pytest.raises(RuleLoadError, match=r"must be called pt901_lost_bit\.py"):
        load_rule(rule_file(tmp_path, name="pt901_losing.py"))


def test_a_syntax_error_names_its_line(tmp_path: Path) -> None:
    path = rule_file(tmp_path, "x = 1\ny = (\n")
    with pytest.raises(RuleLoadError, match=rf"{path}:2: syntax error"):
        load_rule(path)


@pytest.mark.parametrize("statement", ["import ptlint.nowhere", "1 / 0", "raise SystemExit(3)", "'\\0'.encode('no')"])
def test_a_failing_import_names_its_line(tmp_path: Path, statement: str) -> None:
    path = rule_file(tmp_path, f"x = 1\n\n{statement}\n")
    with pytest.raises(RuleLoadError, match=rf"{path}:3: cannot be imported"):
        load_rule(path)


@pytest.mark.parametrize("text", ["y = (", "1 / 0"])
def test_a_refused_file_leaves_no_module_behind(tmp_path: Path, text: str) -> None:
    before = set(sys.modules)
    with pytest.raises(RuleLoadError):
        load_rule(rule_file(tmp_path, text))
    assert set(sys.modules) == before


def test_binary_rubbish_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pt901_lost_bit.py"
    path.write_bytes(b"\x00\xff\xfe rubbish")
    with pytest.raises(RuleLoadError, match="pt901_lost_bit"):
        load_rule(path)


def test_a_missing_check_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RuleLoadError, match="no function check"):
        load_rule(rule_file(tmp_path, COMPLETE.replace("def check", "def chek")))


def test_a_taken_code_is_refused(own: Path, tmp_path: Path) -> None:
    first = rule_file(own)
    more = tmp_path / "more"
    more.mkdir()
    rule_file(more, COMPLETE.replace("lost-bit", "other-bit"), "pt901_other_bit.py")
    with pytest.raises(RuleLoadError, match=f"code PT901 is already taken by {first}"):
        load_rules([more])


def test_a_folder_without_rules_is_refused(own: Path, tmp_path: Path) -> None:
    rule_file(own)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(RuleLoadError, match="nothing would be checked"):
        load_rules([empty])
    with pytest.raises(RuleLoadError, match="no such folder"):
        load_rules([tmp_path / "absent"])


@pytest.fixture
def three(own: Path) -> tuple[rule_loader.LoadedRule, ...]:
    """PT901 and PT902, and PT911, which is off by default."""
    rule_file(own)
    rule_file(own, COMPLETE.replace("PT901", "PT902"), "pt902_lost_bit.py")
    off = COMPLETE.replace("PT901", "PT911").replace('since="0.1.0",', 'since="0.1.0", default=False,')
    rule_file(own, off, "pt911_lost_bit.py")
    return load_rules()


@pytest.mark.parametrize(
    ("select", "ignore", "codes"),
    [
        ((), (), ["PT901", "PT902"]),
        (("PT90",), (), ["PT901", "PT902"]),
        (("pt902",), (), ["PT902"]),
        (("PT9",), ("PT901",), ["PT902"]),
        (("PT911",), (), ["PT911"]),
        (("PT91",), (), []),
        ((), ("PT9",), []),
    ],
)
def test_codes_and_their_beginnings_select(
    three: tuple[rule_loader.LoadedRule, ...], select: tuple[str, ...], ignore: tuple[str, ...], codes: list[str]
) -> None:
    assert [rule.info.code for rule in select_rules(three, select, ignore)] == codes


@pytest.mark.parametrize("entry", ["PT8", "", "PT9011"])
def test_a_code_that_fits_no_rule_is_a_usage_error(three: tuple[rule_loader.LoadedRule, ...], entry: str) -> None:
    with pytest.raises(UsageError, match="no rule has this code"):
        select_rules(three, select=(entry,))
