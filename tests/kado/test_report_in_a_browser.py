"""The HTML of a report in a real Chromium: nothing from outside, no error, nothing wider than the page or the paper."""

from pathlib import Path

import pytest

from facility.text import Language
from kado.config import load_configuration
from kado.language import in_language
from kado.queries.report import load_report
from kado.report.content import make_report
from kado.report.forms import Form, render
from page_service import chromium

LINES = """() => {
    const range = document.createRange();
    range.selectNodeContents(document.querySelector(".watermark"));
    const box = range.getBoundingClientRect();
    return [range.getClientRects().length, box.left >= 0 && box.right <= window.innerWidth];
}"""
"""In how many lines the mark across the page stands, and whether all of it is on the page."""
PERIOD = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"


@pytest.fixture(scope="module")
def pages(_simulated_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Language, Path]:
    inputs = load_report(load_configuration(_simulated_folder / "kado.toml"), PERIOD, None)
    folder = tmp_path_factory.mktemp("pages")
    made: dict[Language, Path] = {}
    languages: tuple[Language, ...] = ("en", "ja")
    for lang in languages:
        with in_language(lang):
            made[lang] = folder / f"{lang}.html"
            made[lang].write_bytes(render(make_report(inputs), Form.HTML))
    return made


def test_a_report_opens_alone_and_prints(pages: dict[Language, Path]) -> None:
    with chromium() as browser:
        for path in pages.values():
            page = browser.new_page(viewport={"width": 1200, "height": 900})
            wrong: list[str] = []
            page.on("pageerror", lambda error, wrong=wrong: wrong.append(str(error)))
            page.on("console", lambda m, wrong=wrong: wrong.append(m.text) if m.type == "error" else None)
            page.on("request", lambda r, wrong=wrong: wrong.append(r.url) if not r.url.startswith("file:") else None)
            page.goto(path.as_uri())
            assert page.locator("h1").count() == 1
            assert page.locator("figure svg").count() >= 2
            assert page.locator(".watermark").inner_text() == "SIMULATED / 模擬データ"
            # Nothing is wider than the window, down to that of a telephone.
            for width in (1200, 700, 360):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, width
                assert page.evaluate(LINES) == [1, True], width
            assert page.pdf(format="A4").startswith(b"%PDF")
            assert wrong == []
            page.close()
