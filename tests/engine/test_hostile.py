"""C that is made to keep a reader busy: a run ends soon, says what it could not do, and invents nothing."""

import json
import time
from pathlib import Path

import pytest

from ptlint.__main__ import main
from tests.kernels import PGTABLE, SMALL, mailbox, text_of

PROFILE = "x86+noparavirt"
MOST_SECONDS = 8
"""Of processor time for one profile; the worst measured is 2."""

COMMIT = """\
	unsigned int i;

	for (i = 0; i < nr; i++, ptep++, addr += PAGE_SIZE) {
		ptep_modify_prot_commit(vma, addr, ptep, old_pte, pte);
		old_pte = pte_next_pfn(old_pte);
		pte = pte_next_pfn(pte);
	}
"""


def commit(body: str, before: str = "") -> dict[str, str]:
    """Return the change that gives modify_prot_commit_ptes() another body, with *before* above it."""
    text = text_of()
    assert text.count(COMMIT) == 1
    head = "#ifndef modify_prot_commit_ptes\n"
    return {PGTABLE: text.replace(COMMIT, body).replace(head, before + head)}


def doubled(name: str, first: str, step: str) -> str:
    """Return thirty macros, each made of two of the one before."""
    lines = [f"#define {name}0{first}"]
    lines += [f"#define {name}{at}{step.format(at - 1)}" for at in range(1, 31)]
    return "\n".join(lines) + "\n"


BUSY = {
    "an endless loop": commit("\tfor (;;)\n\t\t;\n"),
    "an endless loop over lanes": commit("\twhile (1)\n\t\tpte = pte_mkdirty(pte_modify(pte, PAGE_SHARED));\n"),
    "a loop of jumps": commit("again:\n\tgoto again;\n"),
    "a loop over all numbers": commit("\tunsigned int i;\n\n\tfor (i = 0; i < ~0u; i++)\n\t\taddr++;\n"),
    "recursion": commit("\tmodify_prot_commit_ptes(vma, addr, ptep, old_pte, pte, nr);\n"),
    "two that call each other twice": commit(
        "\tping(nr);\n",
        "static inline void pong(unsigned int n);\n"
        "static inline void ping(unsigned int n)\n{\n\tpong(n);\n\tpong(n);\n}\n\n"
        "static inline void pong(unsigned int n)\n{\n\tping(n);\n\tping(n);\n}\n\n",
    ),
    "nested conditions": commit("\t" + "if (nr) " * 20_000 + ";\n"),
    "nested signs": commit("\tnr = " + "- " * 20_000 + "1;\n"),
    "a long sum": commit("\tnr = " + "1 + " * 40_000 + "1;\n"),
    "nested parentheses": commit("\tnr = " + "(" * 20_000 + "1" + ")" * 20_000 + ";\n"),
    "nested blocks": commit("\t" + "{" * 20_000 + "}" * 20_000 + "\n"),
    "macros that double": commit("\tnr = M30;\n", doubled("M", " nr", " M{0} + M{0}")),
    "macro arguments that double": commit("\tnr = F30(nr);\n", doubled("F", "(x) x", "(x) F{0}(x + x)")),
    "a macro of a megabyte": commit("\tnr = BIG;\n", "#define BIG " + "1 + " * 250_000 + "1\n"),
    "a huge array": commit("\tunsigned long x[1UL << 40];\n\n\tx[nr] = 1;\n"),
    "an array of negative size": commit("\tunsigned long x[-1];\n\n\tx[nr] = 1;\n"),
    "many variables": commit("".join(f"\tunsigned long v{at} = nr + {at};\n" for at in range(20_000))),
    "a number of many digits": commit("\tnr = " + "9" * 100_000 + ";\n"),
    "a structure of itself": commit("\tstruct s x;\n\tx.a = 1;\n", "struct s {\n\tstruct s s;\n\tint a;\n};\n\n"),
    "a type that is itself": commit("\tT x = 1;\n", "typedef T T;\n\n"),
    "two hundred questions": commit(
        "".join(f"\tif (mystery{at}(vma, nr))\n\t\tnr++;\n" for at in range(200)),
        "".join(f"extern int mystery{at}(struct vm_area_struct *, unsigned int);\n" for at in range(200)),
    ),
    "a comment of megabytes": commit("\tnr = 1; /* " + "x" * 900_000 + " */\n"),
    "a wild pointer": commit("\t*(unsigned long *)0xdeadbeef = 1;\n"),
    "a null pointer": commit("\t*(pte_t *)0 = pte;\n"),
    "a division by zero": commit("\tnr = nr / (nr - nr);\n"),
    "an array of unknown length": commit("\tpte_t x[nr];\n\n\tx[0] = pte;\n"),
    "a NUL": commit("\tnr = 1;\0\n"),
}
"""What cannot be run to its end: it must be listed as not executed."""

ODD = {
    "a file that is too long to be read": commit("\tnr = 1; /* " + "x" * 1_500_000 + " */\n"),
    "a sum that is nested deep": commit(f"\tif (pte_write(__pte({'sizeof(pte_t) + ' * 900}0)))\n\t\tnr = 1;\n"),
    "include cycles": {
        "include/linux/a.h": "#include <linux/b.h>\n",
        "include/linux/b.h": "#include <linux/a.h>\n#include <linux/b.h>\n",
        "include/linux/mm_types.h": "#include <linux/a.h>\n" + text_of("include/linux/mm_types.h"),
    },
    "includes that double": {
        **{f"include/linux/x{at}.h": f"#include <linux/x{at + 1}.h>\n" * 2 for at in range(40)},
        "include/linux/mm_types.h": text_of("include/linux/mm_types.h") + "#include <linux/x0.h>\n",
    },
    "deep conditions": commit(
        COMMIT, "#if 1\n" * 3000 + "#endif\n" * 3000 + f"#if {'(' * 5000}1{')' * 5000}\n#endif\n"
    ),
    "an #if without an end": commit(COMMIT, "#if 1\n"),
    "a comment without an end": commit(COMMIT, "/* and so on\n"),
    "a brace without an end": commit("\tif (nr) {\n"),
    "five thousand cases": commit(
        "\tswitch (nr) {\n" + "".join(f"\tcase {at}:\n\t\tnr++;\n" for at in range(5000)) + "\t}\n" + COMMIT
    ),
}
"""What only must come to an end, without a slip of ptlint's own."""


ENDLESS = ("an endless loop", "an endless loop over lanes", "a loop of jumps", "a loop over all numbers")


def checked(
    tmp_path: Path, change: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> dict[str, list[dict[str, str]]]:
    """Check the change as a patch; return the report."""
    box = tmp_path / "hostile.mbox"
    box.write_text(mailbox(change))
    began = time.process_time()
    assert main(["check", str(box), "--tree", str(SMALL), "--arch", PROFILE, "--format", "json"]) in (0, 1)
    assert time.process_time() - began < MOST_SECONDS
    report: dict[str, list[dict[str, str]]] = json.loads(capsys.readouterr().out)
    assert [entry for entry in report["left_out"] if entry["kind"] == "PT010"] == []
    return report


@pytest.mark.parametrize("name", BUSY)
def test_what_cannot_be_run_is_listed(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    report = checked(tmp_path, BUSY[name], capsys)
    assert report["unsupported"] != []
    found = [(one["code"], one["message"].partition(": ")[2]) for one in report["findings"]]
    assert set(found) <= {("PT105", "came to an end before the patch, and no longer does")}
    assert len(found) == (name in ENDLESS)
    assert {entry["arch"] for entry in report["unsupported"]} == {PROFILE}


@pytest.mark.parametrize("name", ODD)
def test_odd_text_comes_to_an_end(tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    checked(tmp_path, ODD[name], capsys)


def test_code_past_the_bounds_is_given_up_on_the_remaining_profiles(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = tmp_path / "hostile.mbox"
    box.write_text(mailbox(BUSY["a loop of jumps"]))
    assert main(["check", str(box), "--tree", str(SMALL), "--arch", "x86", "--format", "json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert len({entry["arch"] for entry in report["unsupported"]}) == 3
    (left,) = [entry for entry in report["left_out"] if entry["kind"] == "past-bounds"]
    assert left["what"] == "modify_prot_start_ptes() and modify_prot_commit_ptes()"
    assert "x86/32" in left["reason"]


def test_of_thousands_of_functions_the_first_are_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = "".join(
        f"static inline void put{at}(pte_t *ptep, pte_t pte)\n{{\n\tset_pte(ptep, pte);\n}}\n\n" for at in range(1200)
    )
    report = checked(tmp_path, commit(COMMIT, many), capsys)
    (left,) = [entry for entry in report["left_out"] if entry["kind"] == "too-many"]
    assert left["reason"] == "it changes 1200 functions and macros: only the first 500 were looked at"
