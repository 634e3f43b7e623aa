"""Pages of a report: each has text, within its margins, not printed over other text, no heading at the foot of one."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

import pytest

from facility.text import Language
from kado.config import load_configuration
from kado.language import in_language
from kado.queries.report import ReportInputs, load_report
from kado.report.content import make_report
from kado.report.forms import Form, render
from kado.report.model import Column, Kind, Section, Table

pytestmark = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="needs pdftotext: apt-get install poppler-utils"
)

PERIOD: Final = "2026-11-11T00:00:00+09:00/2026-11-14T00:00:00+09:00"
SAMPLES: Final = sorted(Path("docs/reports").glob("*.pdf"))
# In points, as in report.typ.
LEFT: Final = 19 / 25.4 * 72
RIGHT: Final = 595.28 - LEFT
HEAD: Final = 24 / 25.4 * 72
FOOT: Final = 841.89 - 20 / 25.4 * 72
ALLOWED: Final = 3.0
"""A Japanese bracket at the begin of a line stands half a character outside."""
HEADINGS: Final = 9.9
"""Text of this height is a heading; that of tables has 8.5, of sentences 9.5."""
TURNED: Final = 40.0
"""A letter of the watermark, which stands across the page, takes more room than any other text."""


@dataclass(frozen=True)
class Word:
    """One word of a page and its box in points from the upper left."""

    left: float
    top: float
    right: float
    bottom: float
    text: str

    @property
    def height(self) -> float:
        return self.bottom - self.top


@dataclass(frozen=True)
class Page:
    """The words of one page."""

    words: tuple[Word, ...]

    @cached_property
    def body(self) -> list[Word]:
        """What stands between head and foot."""
        return [w for w in self.words if w.top > HEAD - 2 and w.bottom < FOOT + 2]

    def faults(self) -> Iterator[str]:
        """Yield what is wrong with it."""
        if not self.body:
            yield "nothing stands on it"
            return
        last = max(self.body, key=lambda w: w.bottom)
        if last.height > HEADINGS:
            yield f"ends with the heading {last.text!r}"
        for word in self.words:
            if word.left < LEFT - ALLOWED or word.right > RIGHT + ALLOWED or word.top < 0 or word.bottom > 841.89:
                yield f"{word.text!r} stands in the margin"
            if word not in self.body and HEAD - 2 < word.bottom and word.top < FOOT + 2:
                yield f"{word.text!r} stands in the foot or the head"
        for i, a in enumerate(self.body):
            for b in self.body[i + 1 :]:
                wide = min(a.right, b.right) - max(a.left, b.left)
                high = min(a.bottom, b.bottom) - max(a.top, b.top)
                if wide > 1 and high > 2:
                    yield f"{a.text!r} is printed over {b.text!r}"


def pages(path: Path) -> list[Page]:
    """Return the pages of a PDF, without the watermark that stands across them."""
    command = ["pdftotext", "-bbox", str(path), "-"]
    text = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    box = re.compile(r'<word xMin="(\S+)" yMin="(\S+)" xMax="(\S+)" yMax="(\S+)">(.*?)</word>')
    made: list[Page] = []
    for page in text.split("<page ")[1:]:
        found = [Word(float(m[1]), float(m[2]), float(m[3]), float(m[4]), m[5]) for m in box.finditer(page)]
        made.append(Page(tuple(w for w in found if w.height < TURNED)))
    return made


def faults(path: Path) -> list[str]:
    """Return what is wrong with the pages of a PDF."""
    return [f"{path.name}, page {n}: {fault}" for n, page in enumerate(pages(path), 1) for fault in page.faults()]


@pytest.fixture(scope="module")
def inputs(_simulated_folder: Path) -> ReportInputs:
    return load_report(load_configuration(_simulated_folder / "kado.toml"), PERIOD, None)


def test_a_fault_of_layout_is_found() -> None:
    text = Word(100, 100, 200, 108.5, "text")
    heading = Word(100, 700, 200, 712.5, "heading")
    assert list(Page((Word(100, 34, 200, 42, "head"),)).faults()) == ["nothing stands on it"]
    assert list(Page((text, heading)).faults()) == ["ends with the heading 'heading'"]
    assert list(Page((text, replace(text, right=560))).faults()) == [
        "'text' stands in the margin",
        "'text' is printed over 'text'",
    ]
    assert list(Page((text, replace(text, top=780, bottom=795))).faults()) == ["'text' stands in the foot or the head"]
    assert not list(Page((heading, replace(text, top=720, bottom=728.5))).faults())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_pages_of_the_samples_are_well_laid_out(path: Path) -> None:
    assert len(pages(path)) > 2
    assert faults(path) == []


def test_there_is_a_sample_of_each_kind_of_month_and_machine() -> None:
    assert len(SAMPLES) == 7


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_pages_of_a_report_are_well_laid_out(inputs: ReportInputs, tmp_path: Path, lang: Language) -> None:
    path = tmp_path / "r.pdf"
    with in_language(lang):
        path.write_bytes(render(make_report(inputs), Form.PDF))
    assert faults(path) == []


def section_of(rows: int) -> Section:
    """Return a section with a table of so many rows, some of them on two lines."""
    columns = (Column("a", "System"), Column("b", "Cause", width=2.2), Column("n", "Lost", Kind.HOURS))
    cells = tuple((f"system {i}", "discharge at the coupler " * (1 + i % 3), f"{i}.5") for i in range(rows))
    table = Table(f"t{rows}", f"Table of {rows}", columns, cells, cells, note="Said below the table.")
    return Section(f"s{rows}", f"Section of {rows}", ("What introduces the table.",), (table,))


@pytest.mark.parametrize("first", range(4))
def test_a_heading_stays_with_its_table_wherever_the_page_ends(
    inputs: ReportInputs, tmp_path: Path, first: int
) -> None:
    made = make_report(inputs)
    report = replace(made, sections=tuple(section_of(rows) for rows in range(first, 60, 4)))
    path = tmp_path / "r.pdf"
    path.write_bytes(render(report, Form.PDF))
    assert len(pages(path)) > 8
    assert faults(path) == []
