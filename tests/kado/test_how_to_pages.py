"""The pages that show commands: each runs on the seeded day, and prints what the page says."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from command_line import Kado

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def examples(page: str) -> Iterator[tuple[list[str], list[str]]]:
    """Yield each command of a page with the lines that it is said to print."""
    words: list[str] = []
    printed: list[str] = []
    for line in (PAGES / page).read_text(encoding="utf-8").splitlines():
        if line.startswith("    $ kado "):
            if words:
                yield words, printed
            words, printed = shlex.split(line.removeprefix("    $ kado ")), []
        elif line.startswith("    ") and words:
            printed.append(line)
        elif line.strip() and words:
            yield words, printed
            words = []


def squeezed(text: str) -> str:
    return re.sub(r"[ \t]+", " ", text)


@pytest.mark.parametrize(
    "page", ["correct-the-record.md", "answer-a-question-about-the-number.md", "look-after-the-store.md"]
)
def test_what_a_page_shows_is_what_happens(seeded: Kado, page: str) -> None:
    shown = list(examples(page))
    assert len(shown) >= 4
    for words, printed in shown:
        answer = seeded(*words)
        assert (answer.exit_code, answer.err) == (0, ""), words
        for line in printed:
            assert squeezed(line).strip() in squeezed(answer.out), words
