"""The guards of ``tests/conftest.py`` catch what they are there for, seen from outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A function of ours that blocks: its file name puts it into a room.
FAULTY = f"""
import asyncio, time, warnings
import pytest

room = {{}}
source = "import time\\ndef nap():\\n    time.sleep(0.001)"
exec(compile(source, {str(ROOT / "facility" / "nap.py")!r}, "exec"), room)

async def test_leak():
    asyncio.get_running_loop().create_task(asyncio.sleep(60))

async def test_awaited_task():
    await asyncio.create_task(asyncio.sleep(0))

async def test_block():
    room["nap"]()

async def test_swallowed_block():
    try:
        room["nap"]()
    except Exception:
        pass

async def test_block_in_a_thread():
    await asyncio.to_thread(room["nap"])

@pytest.mark.blocking("shows the marker")
async def test_allowed_block():
    room["nap"]()

def test_block_without_a_loop():
    room["nap"]()

def test_warning():
    warnings.warn("old", DeprecationWarning)

def test_server():
    from servers import require
    require("no-such-server")
"""


def run(folder: Path, *, require_services: str) -> dict[str, str]:
    """Outcome of each test in FAULTY: the worst of its phases."""
    path = folder / "test_faulty.py"
    path.write_text(FAULTY)
    support = os.pathsep.join([str(ROOT / "tests"), str(ROOT / "tests" / "support")])
    environment = os.environ | {"KADO_REQUIRE_SERVICES": require_services, "PYTHONPATH": support}
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "-p", "conftest"]
    options = ["-p", "no:cacheprovider", "-q", "-rA", "--tb=no", "--show-capture=no", str(path)]
    answer = subprocess.run(command + options, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    outcomes: dict[str, str] = {}
    for line in answer.stdout.splitlines():
        outcome, _, rest = line.partition(" ")
        if outcome in {"PASSED", "FAILED", "ERROR"}:
            name = rest.split("::")[-1].split(" ")[0]
            outcomes[name] = outcomes.get(name, outcome) if outcome == "PASSED" else outcome
        elif outcome == "SKIPPED":
            outcomes["test_server"] = line
    assert outcomes, answer.stdout + answer.stderr
    return outcomes


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(tmp_path_factory.mktemp("faulty"), require_services="")


@pytest.mark.parametrize("name", ["test_leak", "test_block", "test_swallowed_block", "test_warning"])
def test_a_silent_fault_does_not_pass(outcomes: dict[str, str], name: str) -> None:
    assert outcomes[name] in {"FAILED", "ERROR"}


@pytest.mark.parametrize(
    "name",
    ["test_awaited_task", "test_block_in_a_thread", "test_allowed_block", "test_block_without_a_loop"],
)
def test_what_is_allowed_passes(outcomes: dict[str, str], name: str) -> None:
    assert outcomes[name] == "PASSED"


def test_a_missing_server_is_skipped_with_the_remedy(outcomes: dict[str, str]) -> None:
    assert "no-such-server is not installed; get it with: make services" in outcomes["test_server"]


def test_a_missing_server_fails_where_servers_are_required(tmp_path: Path) -> None:
    assert run(tmp_path, require_services="1")["test_server"] == "FAILED"
