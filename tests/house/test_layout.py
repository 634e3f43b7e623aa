"""The house keeps its shape: what is installed, what is pinned, what may stand in the repository."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ROOMS: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
REQUIREMENTS = sorted((ROOT / "requirements").glob("*.txt"))

# Heavy to import, or needed by one adapter only: an import inside that adapter is early enough.
HEAVY = {
    "aioca", "aiomqtt", "alembic", "dask", "distributed", "influxdb_client", "mqttium", "p4p", "paho", "pandas",
    "pyarrow", "reactivex", "softioc", "sqlalchemy", "starlette", "tango", "uvicorn",
}  # fmt: skip


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout, or no git to ask")
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for line in listed.stdout.splitlines() if (path := ROOT / line).is_file()]


def test_no_package_file_below_tests_shadows_a_real_package() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_says_that_it_is_typed(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


def test_the_wheel_holds_every_room_with_its_data_and_nothing_else(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    assert {name.parts[0] for name in names if not name.parts[0].endswith(".dist-info")} == set(ROOMS)
    data = {path.relative_to(ROOT) for path in (ROOT / "facility").rglob("*.toml")}
    assert data
    assert data <= set(names)
    assert {Path(room, "py.typed") for room in ROOMS} <= set(names)


def test_linters_look_at_every_room() -> None:
    assert set(ROOMS) == set(PROJECT["tool"]["importlinter"]["root_packages"])
    assert set(ROOMS) == set(PROJECT["tool"]["pyright"]["strict"])
    assert set(ROOMS) <= set(PROJECT["tool"]["pyright"]["include"])


def test_every_folder_of_python_code_is_a_room() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == set(ROOMS)


@pytest.mark.parametrize("path", REQUIREMENTS, ids=lambda path: path.name)
def test_every_requirement_is_an_exact_version_with_hashes(path: Path) -> None:
    text = path.read_text()
    pins = re.findall(r"^([a-z0-9][\w.-]*)(.*(?:\n +--hash.*)*)", text, re.MULTILINE)
    assert pins
    assert [name for name, rest in pins if "==" not in rest or "--hash=sha256:" not in rest] == []
    assert "://" not in text


def test_development_runs_the_versions_that_users_run() -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    assert versions("run.txt") <= versions("dev.txt")


def test_no_lock_file_that_records_an_address_is_kept() -> None:
    assert {path.name for path in tracked_files()} & {"uv.lock", "poetry.lock", "pdm.lock"} == set()


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    place = re.compile(rb"(?<![\w.])/(?:home|Users|work|root)/\w")
    assert [str(path) for path in tracked_files() if place.search(path.read_bytes())] == []


@pytest.mark.parametrize("module", ["facility", "storage", "collector", "analytics", "simulators", "kado.cli.main"])
def test_importing_the_core_is_cheap(module: str) -> None:
    code = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(loaded.stdout.split()) & HEAVY == set()
