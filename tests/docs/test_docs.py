"""The documentation keeps its form, and what it points to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """Anchors that a reader's browser finds for the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_repository_leads_somewhere(page: Path) -> None:
    broken: list[str] = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        if not path.exists() or (anchor and anchor not in anchors(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_date_status_and_reasons(page: Path) -> None:
    text = page.read_text()
    number = int(page.name[:4])
    assert text.startswith(f"# {number}. ")
    assert re.search(r"^- Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.search(r"^- Status: (proposed|accepted|superseded by \d{4})$", text, re.MULTILINE)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_decisions_are_numbered_without_holes_and_all_in_the_index() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    titles = [page.read_text().partition("\n")[0].partition(". ")[2] for page in DECISIONS]
    rows = [f"| [{page.name[:4]}]({page.name}) | {title} |" for page, title in zip(DECISIONS, titles, strict=True)]
    assert [row for row in rows if row not in index] == []


def test_every_word_of_the_glossary_has_a_japanese_one_and_a_meaning() -> None:
    lines = (ROOT / "docs" / "glossary.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    words = [row for row in rows if row[0] not in {"English", "---"}]
    assert words
    japanese = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
    assert [row for row in words if len(row) != 3 or not japanese.search(row[1]) or row[2][-1] != "."] == []
    assert len({row[0] for row in words}) == len(words)


def test_every_make_target_that_a_page_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in PAGES:
        code = re.findall(r"`([^`\n]+)`|^    (.*)$", page.read_text(), re.MULTILINE)
        named = {name for pair in code for text in pair for name in re.findall(r"\bmake ([a-z-]+)", text)}
        assert named <= targets, page


def test_the_changelog_is_open_for_the_next_release() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


def test_the_readme_says_how_to_try_and_how_to_test() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "\n    make demo\n" in readme
    assert "\n    make test\n" in readme
