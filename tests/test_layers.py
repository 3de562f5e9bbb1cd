"""Which layer may import which: read from the source, so that no import hides in a function."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared import ROOT

PACKAGE = ROOT / "ptlint"

ALLOWED = {
    "core": set[str](),
    "mail": {"core"},
    "tree": {"core"},
    "csrc": {"core"},
    "calls": {"core", "csrc"},
    "sim": {"core", "csrc", "calls"},
    "passes": {"core", "store", "mail", "tree", "csrc", "calls", "sim"},
    "api": {"core", "csrc", "calls", "sim", "passes"},
    "config": {"core"},
    "reference": {"core"},
    "store": set(),
    "engine": {"core", "store", "reference", "mail", "tree", "csrc", "calls", "sim", "passes", "api", "config"},
    "report": {"core"},
    "cli": {"core", "store", "mail", "tree", "csrc", "calls", "sim", "passes", "engine", "report", "config"},
    "compiled": set(),
    "compiling": {"compiled"},
    "__main__": {"cli", "report"},
}
"""What a layer imports beside itself; ``errors`` and the package's own name belong to all but ``core``."""


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of every module or name of ptlint that *path* imports, wherever it does."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue

        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            assert node.level == 0, f"{path}:{node.lineno}: imports are written in full"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from ((node.lineno, name) for name in names if name.split(".")[0] == "ptlint")


def layer_of(name: str) -> str:
    """Return the layer of a full name, empty for the package itself (``ptlint.__version__``)."""
    part = name.split(".")[1] if "." in name else ""
    return part if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file() else ""


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_the_layers_below_it(path: Path) -> None:
    layer = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if layer in ("__init__", "errors"):
        assert {name for _, name in imports_of(path)} <= {"ptlint.compiled"}
        return
    allowed = {layer, *ALLOWED[layer]} | ({"errors", ""} if layer != "core" else set())
    wrong = [f"{path}:{line}: {name}" for line, name in imports_of(path) if layer_of(name) not in allowed]
    assert not wrong


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.py")), ids=lambda path: path.name)
def test_a_rule_imports_only_the_interface_for_rules(path: Path) -> None:
    wrong = [f"{path}:{line}: {name}" for line, name in imports_of(path) if layer_of(name) != "api"]
    assert not wrong


def test_every_folder_of_the_package_is_a_layer() -> None:
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders <= ALLOWED.keys()
