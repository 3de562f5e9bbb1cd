"""A patch whose C is made to be expensive is checked in two seconds and 200 MiB, and what was not read is told."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import ROOT

SECONDS = 2.0
SLACK = 3
"""A machine that others keep busy is so many times slower; time that grows with the square of the text is more."""
MEGABYTES = 200

HEAD = """\
static inline void set_ptes(struct mm_struct *mm, unsigned long addr,
		pte_t *ptep, pte_t pte, unsigned int nr)
{
"""


def helper(body: str) -> str:
    return f"{HEAD}{body}\n}}\n"


def value(expression: str) -> str:
    return helper(f"\tset_pte(ptep, __pte({expression}));")


PLAIN = value("nr")

PATCHES = {
    "typedefs": "typedef int t0;\n" + "".join(f"typedef t{i} t{i + 1};\n" for i in range(7_000)) + value("(t9)nr"),
    "a chain of elif": "#if 0\n"
    + "".join(f"#elif {i} == 1\n#define Y{i} 1\n" for i in range(2, 6000))
    + "#endif\n"
    + PLAIN,
    "a switch": helper("\tswitch (nr) {\n" + "".join(f"\tcase {i}: nr++; break;\n" for i in range(3000)) + "\t}"),
    "a switch of pages": helper(
        "\tswitch (nr) {\n" + "".join(f"\tcase {i}: set_pte(ptep, pte); break;\n" for i in range(40_000)) + "\t}"
    ),
    "a pointer to functions": helper(f"\tint {'(*' * 5000}p{')(void)' * 5000};\n\tset_pte(ptep, pte);"),
    "values of an array": helper(
        f"\tunsigned long m[] = {{ {','.join(f'nr + {i}' for i in range(7_000))} }};\n\tset_pte(ptep, __pte(m[1]));"
    ),
    "a long name": f"#define {'x' * 500_000} 1\n" + value("x" * 500_000),
    "a literal without an end": PLAIN + 'static const char s[] = "' + '\\"a' * 200_000 + "\n",
    "loops": helper("\tfor (int i = 0; i < 9; i++) nr += i;\n" * 900 + "\tset_pte(ptep, pte);"),
    "arguments": "#define G(x, ...) x\n" + value(f"G({', '.join(['nr'] * 100_000)})"),
    "a literal in pieces": helper("\tconst char *s = " + '"abc" ' * 30_000 + ";\n\tset_pte(ptep, __pte(s[nr]));"),
    "statements": helper("\tnr = nr + 1;\n" * 40_000 + "\tset_pte(ptep, pte);"),
    "labels": helper("".join(f"l{i}:\tif (nr == {i})\n\t\tgoto l{i * 7 % 20_000};\n" for i in range(20_000))),
    "one long line": value(" + ".join(["nr"] * 250_000)),
    "functions": "".join(f"static inline int f{i}(int x)\n{{\n\treturn x;\n}}\n" for i in range(4000)) + PLAIN,
    "heads without an end": PLAIN + "int f(\n" * 20_000 + "\n}\n",
    "a macro that doubles": "#define A0 nr\n"
    + "".join(f"#define A{i + 1} A{i} + A{i}\n" for i in range(40))
    + value("A40"),
    "names pasted together": "#define C_(a, b) a##b\n#define C(a, b) C_(a, b)\n#define P0 x\n"
    + "".join(f"#define P{i + 1} C(P{i}, P{i})\n" for i in range(40))
    + value("P40"),
    "a structure by value": "struct b { unsigned long m[1000000]; };\nstatic inline struct b g(struct b x, int n)\n{\n"
    "\treturn n ? g(x, n - 1) : x;\n}\n"
    + helper("\tstruct b x = { { 0 } };\n\n\tx = g(x, 50);\n\tset_pte(ptep, pte);"),
    "conditions in conditions": value("nr == 1 ? " * 20_000 + "1" + " : 2" * 20_000),
    "if after if": helper("".join(f"\tif (nr == {i})\n\t\tset_pte(ptep, pte);\n\telse " for i in range(20_000)) + ";"),
    "jumps in all directions": helper(
        "".join(f"l{i}:\tif (nr & {1 << i % 31})\n\t\tgoto l{i * 7919 % 1500};\n" for i in range(1500))
        + "\tset_pte(ptep, pte);"
    ),
    "lines": "int a;\n" * 400_000,
}

CALLERS = {
    "callers": "\tset_pte(ptep, ptep_get(ptep));\n",
    "callers without an end": "\tfor (;;)\n\t\tset_pte(ptep, ptep_get(ptep));\n",
    "callers with long loops": "\tfor (int i = 0; i < 1000; i++)\n\t\tset_pte(ptep, ptep_get(ptep));\n",
}
"""Bodies that each of five hundred functions of a ``.c`` file has."""

SCRIPT = """
import contextlib, io, json, os, sys, time
from ptlint.__main__ import main
main(["rules"])
sys.stdout.flush()
for path in sys.argv[1:]:
    child = os.fork()  # so that each check begins with the memory of a process that has just started
    if child:
        assert os.waitpid(child, 0)[1] == 0, path
        continue
    began = time.process_time()
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = main(["check", path, "--format", "json", "-o", path + ".json"])
    peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    with open(path + ".told", "w") as told:
        json.dump((code, time.process_time() - began, peak // 1024, out.getvalue()), told)
    os._exit(0)
"""


def mail_of(name: str, text: str, file: str = "include/linux/pgtable.h") -> str:
    lines = text.splitlines()
    return (
        "From 0123456789012345678901234567890123456789 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.org>\n"
        f"Date: Mon, 1 Jan 2026 00:00:00 +0000\nSubject: [PATCH] mm: {name}\nMessage-ID: <{name.replace(' ', '-')}@x>\n"
        f"\nText.\n\n---\ndiff --git a/{file} b/{file}\nnew file mode 100644\n"
        f"index 000000000000..1111111111111\n--- /dev/null\n+++ b/{file}\n"
        f"@@ -0,0 +1,{len(lines)} @@\n" + "".join(f"+{line}\n" for line in lines) + "-- \n2.40\n"
    )


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process's memory is read from /proc")
def test_expensive_c_is_bounded(tmp_path: Path) -> None:
    paths = {}
    mails = {name: mail_of(name, text) for name, text in PATCHES.items()}
    for name, body in CALLERS.items():
        text = "".join(f"static void f{i}(pte_t *ptep)\n{{\n{body}}}\n" for i in range(500))
        mails[name] = mail_of(name, text, "mm/callers.c")
    for number, (name, mail) in enumerate(mails.items()):
        path = tmp_path / f"{number}.patch"
        path.write_text(mail)
        paths[str(path)] = name
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *paths], capture_output=True, text=True, timeout=300, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    found = {path: json.loads(Path(f"{path}.told").read_text()) for path in paths}
    slow = {paths[path]: one[1] for path, one in found.items() if one[1] > SLACK * SECONDS}
    assert not slow
    assert max(one[2] for one in found.values()) < MEGABYTES
    for file, name in paths.items():
        report: dict[str, Any] = json.loads(Path(f"{file}.json").read_text())
        code = found[file][0]
        ran = report["coverage"]["scenarios"] > 0 or report["unsupported"] or report["left_out"]
        assert code in (0, 1), (name, found[file])
        assert ran, name


def told_of(path: Path, *arguments: str) -> tuple[int, str, float]:
    """Return exit code and output of a check, on one line, and the seconds that it took of the processor."""
    script = (
        "import sys, time\nfrom ptlint.__main__ import main\ncode = main(sys.argv[1:])\nprint(time.process_time())\n"
    )
    script += "sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    *said, seconds = done.stdout.splitlines()
    return done.returncode, " ".join(" ".join(said).split()), float(seconds)


def in_file(number: int) -> str:
    """Return the diff that brings a caller in a file of its own."""
    mail = mail_of("x", f"static void f{number}(pte_t *ptep)\n{{\n\tset_pte(ptep, *ptep);\n}}\n", f"mm/x{number}.c")
    return mail[mail.index("diff --git") : mail.index("-- \n")]


def test_of_a_patch_of_very_many_files_the_first_are_looked_at(tmp_path: Path) -> None:
    mail = mail_of("files", "int a;\n", "mm/x.c").replace("-- \n", "".join(map(in_file, range(1500))) + "-- \n")
    (tmp_path / "files.patch").write_text(mail)
    tree = str(ROOT / "fixtures" / "demo" / "tree")
    for where in ((), ("--tree", tree)):
        code, out, seconds = told_of(tmp_path / "files.patch", "check", *where)
        assert code in (0, 1)
        assert "files: only the first 60 were looked at" in out
        assert seconds < SLACK * (SECONDS + 1)


def test_of_a_series_of_very_many_patches_the_first_are_looked_at(tmp_path: Path) -> None:
    mails = []
    for number in range(1, 121):
        head = mail_of(f"m{number}", "int a;\n").partition("diff --git")[0]
        mails.append(head.replace("[PATCH]", f"[PATCH {number}/120]") + in_file(number) + "-- \n2.40\n\n")
    (tmp_path / "series.mbox").write_text("".join(mails))
    code, out, seconds = told_of(tmp_path / "series.mbox", "check")
    assert code in (0, 1)
    assert "more than 100 patches touch page-table code: only the first were looked at" in out
    assert seconds < SLACK * (SECONDS + 1)


def test_a_sender_in_brackets_gets_a_reply(tmp_path: Path) -> None:
    mail = mail_of("x", "static void f(pte_t *ptep)\n{\n\tset_pte(ptep, *ptep);\n}\n", "mm/x.c")
    (tmp_path / "x.patch").write_text(mail.replace("From: A <", "From: " + "(" * 5000 + ")" * 5000 + " <"))
    code, out, _ = told_of(tmp_path / "x.patch", "reply")
    assert code in (0, 1), out
