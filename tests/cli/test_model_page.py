"""The page of ``ptlint model --html``: one file, its text as data, and what a real browser makes of it."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ptlint.__main__ import main
from tests.csrc.small_kernel import FILES
from tests.shared import program

HOSTILE = "/* </script><script>document.title='taken'</script> & */\n"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    for path, text in FILES.items():
        file = tmp_path / "linux" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("\npte_t entry_clear", "\n" + HOSTILE + "pte_t entry_clear"))
    target = tmp_path / "model.html"
    arguments = ["--tree", str(tmp_path / "linux"), "--arch", "x86,riscv", "--html", "-o", str(target)]
    assert main(["model", "entry_clear", "set_entries", *arguments]) == 0
    return target


def test_the_page_is_one_file_that_loads_nothing(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"(?:src|href)\s*=|@import|url\(", text)
    assert "default-src 'none'" in text


def test_text_of_the_tree_stands_in_it_as_data(page: Path) -> None:
    text = page.read_text()
    assert text.count("</script>") == 2
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert data["profiles"] == ["x86", "riscv"]
    assert any("</script>" in line for _, _, lines in data["excerpts"].values() for line in lines)
    cell = data["rows"][data["cells"]["entry_clear"][0]]
    assert (cell["kind"], cell["shape"], cell["def"]) == ("arch", "extern", "arch/x86/mm/entry.c:8")


class Browser:
    """A headless browser, driven over the loopback interface as the WebDriver standard says."""

    def __init__(self, port: int, session: str = "") -> None:
        self.base = f"http://127.0.0.1:{port}/session" + (f"/{session}" if session else "")

    def call(self, path: str, value: dict[str, Any] | None = None) -> Any:
        data = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def click(self, selector: str) -> None:
        found = self.call("/element", {"using": "css selector", "value": selector})
        self.call(f"/element/{next(iter(found.values()))}/click", {})

    def ask(self, script: str) -> Any:
        return self.call("/execute/sync", {"script": f"return {script}", "args": []})


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    driver, chromium = program("chromedriver"), program("chromium")
    server = subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert server.stdout is not None
        found = next(
            match for line in server.stdout if (match := re.search(r"started successfully on port (\d+)", line))
        )
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
        options = {"binary": chromium, "args": flags}
        wanted = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}}
        session = Browser(int(found[1])).call("", wanted)["sessionId"]
        yield Browser(int(found[1]), session)
        urllib.request.urlopen(
            urllib.request.Request(Browser(int(found[1]), session).base, method="DELETE"), timeout=60
        ).close()
    finally:
        server.terminate()
        server.wait(30)


def test_a_click_shows_source_and_reasons(page: Path, browser: Browser) -> None:
    browser.call("/url", {"url": page.as_uri()})
    assert browser.ask("document.title") == "Page-table helpers by architecture"
    assert browser.ask("document.querySelectorAll('tbody button').length") == 4
    browser.click('[data-at="entry_clear@x86"]')
    details = browser.ask("document.getElementById('details').textContent")
    assert "entry_clear on x86" in details
    assert "arch extern, arch/x86/mm/entry.c:8" in details
    assert "__HAVE_ARCH_ENTRY_CLEAR is defined" in details
    assert "ptep->pte = mask(pte);" in details
    assert browser.ask("document.querySelector('pre .here').textContent").startswith("8\tpte_t entry_clear(")
    colour = "getComputedStyle(document.querySelector('[data-at=\"entry_clear@{}\"]')).backgroundColor"
    assert browser.ask(colour.format("x86")) != browser.ask(colour.format("riscv"))


def test_names_are_found_by_a_word(page: Path, browser: Browser) -> None:
    browser.call("/url", {"url": page.as_uri()})
    browser.ask("document.getElementById('filter').value = 'set_'")
    browser.ask("document.getElementById('filter').dispatchEvent(new Event('input'))")
    shown = "[...document.querySelectorAll('tbody tr')].filter(line => !line.hidden).map(line => line.dataset.name)"
    assert browser.ask(shown) == ["set_entries"]
