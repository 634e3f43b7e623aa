"""What the commands say of themselves: examples, and a page that is up to date."""

import re
import runpy
from pathlib import Path

import pytest

from command_line import Kado

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
WRITER = runpy.run_path(str(REFERENCE / "write_commands.py"))
COMMANDS: list[list[str]] = WRITER["names"]()


def test_the_page_of_commands_is_up_to_date() -> None:
    written = (REFERENCE / "commands.md").read_text(encoding="utf-8")
    assert written == WRITER["page"](), "run: python docs/reference/write_commands.py"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_command_shows_an_example_of_itself(kado: Kado, words: list[str]) -> None:
    out = kado(*words, "--help").out
    _, _, examples = out.partition("Example")
    assert re.search(rf"^    kado {' '.join(words)}\b", examples, re.MULTILINE)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_does(kado: Kado, words: list[str]) -> None:
    out = kado(*words, "--help", COLUMNS="200", TERMINAL_WIDTH="200").out
    # What an option says may begin on the next line.
    listed = re.sub(r"\n {10,}", "  ", out.partition("Options:")[2])
    options = [line for line in listed.splitlines() if re.match(r"  +(-\w, )?--\w", line)]
    assert options
    assert [line for line in options if not re.search(r"\S {2,}\S", line.strip())] == []


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_examples_only_use_options_that_exist(kado: Kado, words: list[str]) -> None:
    out = kado(*words, "--help").out
    known = set(re.findall(r"--[\w-]+", out.partition("Options:")[2]))
    examples = out.partition("Example")[2].partition("Options:")[0]
    for line in re.findall(rf"^    kado {' '.join(words)}\b.*$", examples, re.MULTILINE):
        assert set(re.findall(r"--[\w-]+", line)) <= known, line


def test_the_list_of_commands_is_not_cut(kado: Kado) -> None:
    out = kado("--help", TERMINAL_WIDTH="80").out
    assert "..." not in out.partition("Commands:")[2]


def test_what_prints_data_prints_json(kado: Kado) -> None:
    silent = {
        ("init",),
        ("run",),
        ("watch",),
        ("simulate",),
        ("schema",),
        ("demo",),
        ("schedule", "import"),
        ("report", "make"),
    }
    for words in COMMANDS:
        if tuple(words) not in silent:
            assert "<table|json" in kado(*words, "--help").out, words
