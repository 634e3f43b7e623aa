"""How kado starts: as a command, as a module, as a library; and where its packages are not its own."""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import kado
from command_line import Kado
from kado.cli.command_list import COMMANDS, Entry
from kado.own_packages import ROOMS
from seeded_ring import DAY

ROOT = Path(__file__).parents[2]
ENTRIES = [
    (" ".join([word, *below]), entry)
    for word, found in COMMANDS.items()
    for below, entry in ([((), found)] if isinstance(found, Entry) else [((n,), e) for n, e in found.commands.items()])
]


def start(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kado", *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A copy of kado's packages in a folder of its own."""
    for room in (*ROOMS, "kado"):
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


class TestPackagesThatAreNotKadosOwn:
    @pytest.mark.parametrize("room", ROOMS)
    def test_an_overwritten_package_is_named_with_the_remedy(self, installed: Path, room: str) -> None:
        (installed / room / "__init__.py").write_text('"""Another one."""\n')
        answer = start(installed, "--version")
        assert answer.returncode == 2
        assert f"the package '{room}' of kado" in answer.stderr
        assert "'pipx install .'" in answer.stderr
        assert "Traceback" not in answer.stderr

    def test_a_package_that_is_missing_is_named(self, installed: Path) -> None:
        shutil.rmtree(installed / "storage")
        environment = os.environ | {"PYTHONPATH": ""}
        command = [sys.executable, "-S", "-m", "kado", "--version"]
        answer = subprocess.run(command, cwd=installed, capture_output=True, text=True, check=False, env=environment)
        assert answer.returncode == 2
        assert "the package 'storage' of kado" in answer.stderr
        assert "is missing" in answer.stderr

    def test_the_library_refuses_with_the_same_words(self, installed: Path) -> None:
        (installed / "storage" / "__init__.py").write_text("")
        code = "import kado; kado.open('kado.toml')"
        answer = subprocess.run(
            [sys.executable, "-c", code], cwd=installed, capture_output=True, text=True, check=False
        )
        assert "ImportError: the package 'storage' of kado" in answer.stderr

    def test_packages_of_its_own_are_accepted(self, installed: Path) -> None:
        answer = start(installed, "--version")
        assert (answer.returncode, answer.stdout) == (0, f"kado {kado.__version__}\n")


class TestCommandTable:
    @pytest.mark.parametrize(("words", "entry"), ENTRIES, ids=[words for words, _ in ENTRIES])
    def test_a_line_of_the_list_is_the_first_sentence_of_the_command(
        self, kado: Kado, words: str, entry: Entry
    ) -> None:
        module, _, name = entry.place.partition(":")
        text = getattr(import_module(module), name).__doc__
        assert re.sub(r"\s+", " ", text.partition("\n\n")[0]).strip() == entry.summary

    def test_the_list_of_commands_imports_none_of_them(self) -> None:
        code = (
            "import sys, contextlib\nfrom kado.cli.main import app\n"
            "with contextlib.suppress(SystemExit): app(['--help'])\n"
            "print(*(m for m in sys.modules if m.startswith('kado.')), file=sys.stderr)"
        )
        answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        loaded = set(answer.stderr.split())
        assert loaded & {entry.place.partition(":")[0] for _, entry in ENTRIES} == set()
        assert not any(name.startswith("kado.queries") for name in loaded)

    def test_short_help_works_at_every_level(self, kado: Kado) -> None:
        for words in ([], ["store"], ["store", "status"], ["simulate", "inject"]):
            assert kado(*words, "-h").out == kado(*words, "--help").out

    def test_a_command_that_does_not_exist_is_refused_with_the_nearest_one(self, kado: Kado) -> None:
        answer = kado("availabilty")
        assert answer.exit_code == 2
        assert "availability" in answer.err


class TestLibrary:
    def test_it_gives_the_figure_of_the_command_line(self, seeded: Kado) -> None:
        document = seeded("availability", "--period", DAY, "--format", "json").document
        with kado.open("kado.toml") as reader:
            figures = reader.availability(DAY).availability.figures
            assert figures.availability_pct == document["figures"]["availability_pct"]
            assert len(reader.events(DAY)) == len(document["events"])
            assert reader.profile.id == document["facility"]

    def test_importing_it_loads_nothing_heavy(self) -> None:
        code = "import sys, kado; print(kado.__version__, *sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert set(loaded.stdout.split()) & {"numpy", "pydantic", "rich", "typer"} == set()
