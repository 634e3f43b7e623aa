"""Texts for people are in plain field English: words that make a sentence hard to read stay out of them."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UNPLAIN = (
    r"of which", r"is none", r"mend(s|ed|ing)?", r"told", r"believed", r"said of", r"is no news", r"look after",
    r"put beside", r"lay over", r"laid over", r"whoever", r"to the tune of", r"not in it any more",
)  # fmt: skip
PATTERN = re.compile(rf"\b({'|'.join(UNPLAIN)})\b", re.IGNORECASE)


def texts_of(path: Path) -> list[tuple[int, str]]:
    """Help and literal texts of a module: what `tr`, `trn`, `marked` and options are given, and summaries."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name.endswith("Error") or name in {
            "tr",
            "trn",
            "marked",
            "Entry",
            "Group",
            "Option",
            "Argument",
            "note",
            "Outcome",
        }:
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    found.append((part.lineno, part.value))
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "kado").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_texts_of_kado_are_plain(path: Path) -> None:
    assert [(line, text) for line, text in texts_of(path) if PATTERN.search(text)] == []


OF_CODE = re.compile(
    r"\b(of which|of whom|mend(s|ed|ing)?|told|believed?|believes|said of|looks? after|whoever|whomever|anew|for ever"
    r"|laid over|lay over|is no news|to the tune of|not in it any more)\b|\bIf it is none\b",
    re.IGNORECASE,
)
"""What docstrings, comments and documentation avoid."""

ROOMS = ("facility", "storage", "collector", "analytics", "simulators", "dashboards", "kado")


@pytest.mark.parametrize("room", ROOMS)
def test_strings_and_comments_are_plain(room: str) -> None:
    found: list[str] = []
    for path in sorted((ROOT / room).rglob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        for token in tokenize.generate_tokens(iter(lines).__next__):
            if token.type in (tokenize.STRING, tokenize.COMMENT) and (word := OF_CODE.search(token.string)):
                found.append(f"{path.relative_to(ROOT)}:{token.start[0]}: {word[0]!r}")
    assert found == []


def test_the_page_of_commands_is_plain() -> None:
    lines = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if PATTERN.search(line)] == []


def test_documentation_and_sample_files_are_plain() -> None:
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *(ROOT / "docs").rglob("*.md")]
    paths += [path for room in ROOMS for kind in ("*.md", "*.toml", "*.html") for path in (ROOT / room).rglob(kind)]
    found = [
        f"{path.relative_to(ROOT)}:{number}: {word[0]!r}"
        for path in sorted(paths)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (word := OF_CODE.search(line))
    ]
    assert found == []


def test_dashboards_are_plain() -> None:
    paths = sorted((ROOT / "dashboards" / "generated").rglob("*.json"))
    assert paths
    found = [(str(path.relative_to(ROOT)), word[0]) for path in paths if (word := OF_CODE.search(path.read_text()))]
    assert found == []
