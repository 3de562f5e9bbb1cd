"""What the tests of interfaces share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interfaces.world import archive, kernel


@pytest.fixture
def linux(tmp_path: Path) -> Path:
    """Return a fresh repository of the demo tree."""
    return kernel(tmp_path)


@pytest.fixture(scope="session")
def lore(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve both series from a public-inbox and give its address."""
    folder = tmp_path_factory.mktemp("archive")
    kernel(folder)
    with archive(folder, folder / "series.mbox", folder / "clean.mbox") as url:
        yield url
