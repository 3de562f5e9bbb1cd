"""What the wheel holds: the package, its rules, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ptlint
from ptlint.engine import rules as rule_loader
from tests.shared import ROOT

RULES = sorted(path.name for path in (ROOT / "rules").glob("*.py"))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Build the wheel with the backend at hand and return the names of its files."""
    folder = tmp_path_factory.mktemp("wheel")
    build = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_every_module_of_the_package(names: list[str]) -> None:
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "ptlint").rglob("*.py")}
    assert modules <= set(names)
    assert "ptlint/py.typed" in names


def test_the_wheel_holds_every_rule_inside_the_package(names: list[str]) -> None:
    assert {f"ptlint/_rules/{name}" for name in RULES} == {name for name in names if name.startswith("ptlint/_rules/")}


def test_the_wheel_holds_nothing_beside_the_package(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ptlint", f"ptlint-{ptlint.__version__}.dist-info"}


def test_an_installed_package_finds_the_rules_inside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "ptlint"
    (package / "_rules").mkdir(parents=True)
    monkeypatch.setattr(ptlint, "__file__", str(package / "__init__.py"))
    assert rule_loader.packaged_folder() == package / "_rules"


def test_a_checkout_finds_the_rules_beside_the_package() -> None:
    assert rule_loader.packaged_folder() == ROOT / "rules"
