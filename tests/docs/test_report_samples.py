"""The sample reports are there, are marked as simulated, and are listed."""

import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "reports"
NAMES = sorted(path.stem for path in FOLDER.glob("*.pdf"))


def test_each_sample_is_listed_with_a_picture() -> None:
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert len(NAMES) == 7
    for name in NAMES:
        assert f"[PDF]({name}.pdf)" in page
        assert f"]({name}.png)" in page
        assert (FOLDER / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    assert set(re.findall(r"\(([a-z-]+)\.pdf\)", page)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_sample_bears_the_mark_and_is_small(name: str) -> None:
    content = (FOLDER / f"{name}.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(content) < 500_000
    assert b"kado-report:" in content


def test_the_sample_in_html_is_marked() -> None:
    (page,) = FOLDER.glob("*.html")
    assert "SIMULATED / 模擬データ" in page.read_text(encoding="utf-8")
