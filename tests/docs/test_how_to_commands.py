"""How-to pages that need no server, typed as a newcomer types them into an empty folder."""

import re
import tomllib
from pathlib import Path

import pytest

from command_line import Answer, run
from kado.config import load_configuration

PAGES = Path(__file__).parents[2] / "docs" / "how-to"


def page(name: str) -> str:
    return (PAGES / name).read_text(encoding="utf-8")


def block(text: str, first: str) -> str:
    """Return the indented block that begins with a line, without its indent."""
    lines = text[text.index(f"    {first}") :].splitlines()
    end = next((i for i, line in enumerate(lines) if line.strip() and not line.startswith("    ")), len(lines))
    return "\n".join(line[4:] for line in lines[:end]).strip() + "\n"


def typed(text: str, begins: str) -> list[str]:
    """Return the words of the command of a page that begins so; a line may go on in the next one."""
    found = re.search(rf"^    \$ kado ({re.escape(begins)}.*(?:(?<=\\)\n.*)*)$", text, re.MULTILINE)
    assert found, begins
    return found[1].replace("\\\n", " ").replace('"', "").split()


def does(*words: str) -> Answer:
    answer = run(*words)
    assert answer.exit_code == 0, (words, answer.out, answer.err)
    return answer


def squeezed(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.splitlines() if line.strip())


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_keep_the_schedule(folder: Path) -> None:
    text = page("keep-the-schedule.md")
    does("init", "--facility", "nanoterasu_sim")
    (folder / "fy2026.csv").write_text(block(text, "start,end,category").partition("\n\n")[0] + "\n", encoding="utf-8")
    shown = squeezed(block(text, "1 new version, 0 known"))
    assert shown in squeezed(does(*typed(text, "schedule import fy2026.csv")).out)
    settings = folder / "kado.toml"
    words = block(text, "[schedule]").partition("\n")[2]
    settings.write_text(settings.read_text(encoding="utf-8").replace("[schedule]\n", f"[schedule]\n{words}"))
    (folder / "run.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20261006T100000\nDTEND:20261010T100000\nSUMMARY:MD one\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
    does(*typed(text, "schedule import run.ics"))
    assert "study" in does(*typed(text, "schedule show --period")).out
    does(*typed(text, "schedule show --as-published-on"))
    does(*typed(text, "schedule diff"))


def test_import_recorded_data(folder: Path) -> None:
    text = page("import-history.md")
    does("init", "--facility", "nanoterasu")
    rows = block(text, "$ head -3 beam_current.csv").partition("\n")[2]
    (folder / "beam_current.csv").write_text(rows.rstrip() + "\n", encoding="utf-8")
    out = does(*typed(text, "import beam_current.csv")).out
    assert "of doubtful time" in out
    assert "form: CSV" in out
    (folder / "samples.csv").write_text(block(text, "time,signal,value,quality").partition("\n\n")[0] + "\n")
    assert "stored        3" in does(*typed(text, "import samples.csv")).out
    (folder / "export.csv").write_text('"Time","Stored current"\n"2026-04-01 00:00:00","200.0"\n')
    dry = typed(text, "import export.csv")
    shown = [line for line in squeezed(block(text, "NanoTerasu: first rows")).splitlines() if line]
    assert [line for line in shown if line not in squeezed(does(*dry).out)] == []
    (folder / "local_times.csv").write_text("time,signal,value\n2026-04-01T00:00:00,stored_current,200.0\n")
    for begins in ("import local_times.csv --assume-offset", "import local_times.csv --time-zone"):
        does(*typed(text, begins))


SHORT = ("--from", "2026-11-10T10:00:00+09:00", "--to", "2026-11-10T13:00:00+09:00")
"""Three hours stand for the period of a scenario."""


def test_simulate_a_facility(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = page("simulate-a-facility.md")
    does(*typed(text, "init --facility"))
    out = does(*typed(text, "simulate --scenario dcct_dropout"), *SHORT).out
    key = re.search(r"answer key: (\S+)", out.replace("\n", ""))
    assert key
    assert "no difference between the answer key" in does("verify", key[1]).out
    assert run("simulate", "--scenario", "quiet_week", *SHORT).exit_code == 2  # As the page says: it asks.
    training = folder / "training"
    training.mkdir()
    monkeypatch.chdir(training)
    does(*typed(text, "init --facility"))
    scenario = re.search(r"```toml\n(id = .*?)```", text, re.DOTALL)
    assert scenario
    (training / "training_shift.toml").write_text(scenario[1], encoding="utf-8")
    does(*typed(text, "simulate --scenario training_shift.toml"), *SHORT)
    does(*typed(text, "simulate --scenario storm --out"), *SHORT)


def test_only_extras_that_there_are_are_named() -> None:
    root = PAGES.parents[1]
    known = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    pages = [root / "README.md", *(root / "docs").rglob("*.md"), *(root / "collector").rglob("*.md")]
    texts = [path.read_text(encoding="utf-8") for path in pages if "decisions" not in path.parts]
    lists = [found for text in texts for found in re.findall(r"""install (?:--force )?['"]?\.\[([\w,]+)\]""", text)]
    single = [found for text in texts for found in re.findall(r"extra `(\w+)`", text)]
    named = {name for found in [*lists, *single] for name in found.split(",")}
    assert {"epics", "report", "tango"} <= named <= set(known)
    # kado is on no package index: what has its name there is another program.
    assert [text[:40] for text in texts if re.search(r"install ['\"]?kado", text)] == []


def test_train_a_shift_begins_with_a_configuration(folder: Path) -> None:
    text = page("train-a-shift.md")
    does(*typed(text, "init --facility"))
    table = re.search(r"replace the table `\[\[source\]\]` by this one:\n\n```toml\n(.*?)```", text, re.DOTALL)
    assert table
    settings = folder / "kado.toml"
    before = settings.read_text(encoding="utf-8").partition("[[source]]\n")[0]
    settings.write_text(before + table[1], encoding="utf-8")
    (source,) = load_configuration(settings).sources
    assert (source.id, source.kind) == ("ring", "simulator")


TABLE = re.compile(r"^    \[\[source\]\]\n(?:    .*\n|\n)*", re.MULTILINE)
TABLES = [(p.name, i, t) for p in sorted(PAGES.glob("*.md")) for i, t in enumerate(TABLE.findall(page(p.name)))]


@pytest.mark.parametrize(("name", "number", "table"), TABLES, ids=[f"{n}-{i}" for n, i, _ in TABLES])
def test_a_source_that_a_page_shows_is_a_configuration(folder: Path, name: str, number: int, table: str) -> None:
    lines = [line[4:] for line in table.splitlines()]
    settings = folder / "kado.toml"
    settings.write_text('facility = "nanoterasu_sim"\n' + "\n".join(lines) + "\n")
    for secret in re.findall(r'_file = "([^"]+)"', table):
        (folder / secret).parent.mkdir(parents=True, exist_ok=True)
        (folder / secret).write_text("secret\n")
    assert load_configuration(settings).sources, (name, number)
