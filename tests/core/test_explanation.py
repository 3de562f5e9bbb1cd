"""Headings of explanations and marks of examples."""

from ptlint.core.explanation import Want, sections, wanted, without_marks
from ptlint.core.rule import invalid


def test_headings_are_found_plain_and_as_markdown() -> None:
    text = "*What it reports*\nA loss.\n\nMore of it.\n\n## Why it matters\nData.\nWhat to do:\nMerge.\n"
    assert sections(text) == {
        "What it reports": "A loss.\n\nMore of it.",
        "Why it matters": "Data.",
        "What to do": "Merge.",
    }


def test_a_heading_inside_a_sentence_is_text() -> None:
    assert sections("What it reports\nSee What to do below.") == {"What it reports": "See What to do below."}


def test_marks_name_their_line_and_pattern() -> None:
    example = invalid('first();\nsecond(); // want "a \\"quoted\\" word"\nthird();', why="it shows")
    assert wanted(example) == (Want(2, 'a "quoted" word'),)


def test_code_without_its_marks_keeps_every_line_in_place() -> None:
    assert without_marks('a();\nb(); // want "x"\nc(); // plain\n') == "a();\nb();\nc(); // plain\n"
