"""``ptlint simulate`` over the bundled tree."""

import json
import shutil
from pathlib import Path

import pytest

from ptlint.__main__ import main
from tests.shared import FIXTURES

DEMO = FIXTURES / "demo"


def test_a_helper_that_holds_says_over_how_many_scenarios(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["simulate", "ptep_modify_prot_start", "--tree", str(DEMO / "tree"), "--arch", "powerpc/radix"])
    out = capsys.readouterr().out
    assert code == 0
    assert "powerpc/radix  ptep_modify_prot_start() + ptep_modify_prot_commit(): holds (" in out
    assert "every state" in out


def test_a_patch_is_put_over_the_tree_first(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--tree", str(DEMO / "tree"), "--arch", "powerpc/radix", "--patch", str(DEMO / "series.mbox")]
    code = main(["simulate", "modify_prot_commit_ptes", *arguments])
    out = capsys.readouterr().out
    assert code == 1
    assert "broken: 1" in out
    assert "seen by: flush_tlb_page()" in out


def test_json_holds_every_counterexample(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    arguments = ["--tree", str(DEMO / "tree"), "--arch", "x86", "--patch", str(DEMO / "series.mbox")]
    main(["simulate", "modify_prot_commit_ptes", *arguments, "--json", "-o", str(target)])
    data = json.loads(target.read_text())
    assert data["function"] == "modify_prot_commit_ptes"
    broken = [violation for result in data["results"] for violation in result["violations"]]
    assert {violation["property"] for violation in broken} == {"old-pte"}
    assert all(violation["counterexample"]["events"] for violation in broken)


def test_a_function_that_no_scenario_runs_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["simulate", "no_such_helper", "--tree", str(DEMO / "tree"), "--arch", "x86"])
    assert code == 2
    assert "no scenario of these profiles runs a function of this name" in capsys.readouterr().err


def test_what_a_caller_breaks_is_no_failure_by_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(DEMO / "tree", tmp_path / "tree")
    loop = "for (; nr--; ptep++, addr += PAGE_SIZE)"
    body = f"{loop}\n\t\tset_pte_at(vma->vm_mm, addr, ptep, pte_wrprotect(ptep_get(ptep)));\n"
    takes = "struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, unsigned int nr"
    (tmp_path / "tree/mm/close.c").write_text(f"#include <linux/pgtable.h>\nvoid close_ptes({takes})\n{{\n\t{body}}}\n")
    code = main(["simulate", "close_ptes", "--tree", str(tmp_path / "tree"), "--arch", "powerpc/radix"])
    out = capsys.readouterr().out
    assert code == 0
    assert "powerpc/radix  close_ptes(): holds but for 2, from some states (" in out
    assert "callers may never give it a state in which this happens" in out
