"""What every test gets: guards against silent faults, real servers, real data."""

import asyncio
import inspect
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import blockbuster
import pytest
from hypothesis import settings

from servers import Bucket, InfluxDB, Mosquitto, ObjectBucket, ObjectStore, Server

ROOT = Path(__file__).parent.parent
ROOMS = ["facility", "storage", "collector", "analytics", "simulators", "dashboards", "kado"]

# What a shell starts in the background has SIGINT ignored, and so would each program that a test interrupts.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)

SERVERS = pytest.StashKey[list[Server]]()

# How long an example takes says more about a busy machine than about the code.
settings.register_profile("kado", deadline=None)
settings.load_profile("kado")


# --- A task left behind, or a blocked event loop, fails the test (pyproject.toml does it for warnings).


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Begin each test in the language of the code, whatever language a test before it chose."""
    yield
    if "kado.language" in sys.modules:
        sys.modules["kado.language"].set_language("en")


@pytest.fixture(autouse=True)
def no_leaked_tasks(request: pytest.FixtureRequest) -> None:
    """Fail an async test that leaves a task running when it and its fixtures have ended."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_leaked_tasks_in_loop")


@pytest.fixture
async def _no_leaked_tasks_in_loop() -> AsyncIterator[None]:
    yield
    leaked = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    if leaked:
        pytest.fail(f"tasks still running after the test: {leaked}", pytrace=False)


@pytest.fixture(scope="session")
def _blocking_guard() -> Iterator[blockbuster.BlockBuster]:
    """Make blocking calls raise in code of ours that runs on an event loop.

    A contended lock that is held for a moment (a queue to a writer thread) is not seen; waiting for a
    thread, a file, SQLite or a socket is.
    """
    guard = blockbuster.BlockBuster([room for room in ROOMS if find_spec(room)])
    # The first use of a time zone reads its file; the standard library keeps it from then on.
    guard.functions["os.stat"].can_block_in("zoneinfo/_tzpath.py", "find_tzfile")
    guard.functions["io.BufferedReader.read"].can_block_in("zoneinfo/_common.py", "load_data")
    # A log record goes to stderr, or to pytest's empty log file.
    for write in ("io.TextIOWrapper.write", "io.BufferedWriter.write"):
        guard.functions[write].can_block_in("logging/__init__.py", "emit")
    guard.activate()
    yield guard
    guard.deactivate()


@pytest.fixture(autouse=True)
def no_blocked_loop(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, _blocking_guard: blockbuster.BlockBuster
) -> Iterator[None]:
    """Fail a test in which code of ours blocked the event loop, even if the error was swallowed.

    ``@pytest.mark.blocking("reason")`` allows it.
    """
    if request.node.get_closest_marker("blocking"):
        _blocking_guard.deactivate()
        yield
        _blocking_guard.activate()
        return
    blocked: list[str] = []
    raised = blockbuster.BlockingError.__init__

    def remember(error: blockbuster.BlockingError, function: str) -> None:
        raised(error, function)
        blocked.append(function)

    monkeypatch.setattr(blockbuster.BlockingError, "__init__", remember)
    yield
    if blocked:
        pytest.fail(f"the event loop was blocked by: {', '.join(blocked)}", pytrace=False)


# --- Servers: skipped with the remedy where they are missing, a failure with KADO_REQUIRE_SERVICES=1.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[Any]:
    """Show what the servers of a failed test wrote."""
    report: pytest.TestReport = yield
    if report.failed:
        for server in item.stash.get(SERVERS, []):
            report.sections.append((f"output of {server.program}", server.output()))
    return report


@pytest.fixture
def servers(request: pytest.FixtureRequest) -> list[Server]:
    """Servers of this test, whose output is shown if it fails."""
    return request.node.stash.setdefault(SERVERS, [])


@pytest.fixture
def start_mosquitto(tmp_path: Path, servers: list[Server]) -> Iterator[Callable[..., Mosquitto]]:
    """Start brokers: ``start_mosquitto(persistence=False, password=None) -> Mosquitto``."""
    started: list[Mosquitto] = []

    def start(**options: Any) -> Mosquitto:
        broker = Mosquitto(tmp_path / f"mosquitto{len(started)}", **options)
        started.append(broker)
        servers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in started:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """Run a broker without password and without persistence."""
    return start_mosquitto()


@pytest.fixture(scope="session")
def _shared_influxdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    server = InfluxDB(tmp_path_factory.mktemp("influxdb"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def influx_bucket(_shared_influxdb: InfluxDB, servers: list[Server]) -> Bucket:
    """Make an empty bucket in the InfluxDB that all tests share; do not stop that one."""
    servers.append(_shared_influxdb)
    return _shared_influxdb.create_bucket()


@pytest.fixture
def influxdb(tmp_path: Path, servers: list[Server]) -> Iterator[InfluxDB]:
    """Run an InfluxDB for this test alone, to be stopped, killed and restarted."""
    server = InfluxDB(tmp_path / "influxdb")
    servers.append(server)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def _shared_object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    server = ObjectStore(tmp_path_factory.mktemp("objects"))
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture
def object_bucket(
    _shared_object_store: ObjectStore, servers: list[Server], monkeypatch: pytest.MonkeyPatch
) -> ObjectBucket:
    """Make an empty bucket in the S3 server that all tests share, and set its keys; do not stop that one."""
    servers.append(_shared_object_store)
    for name, value in _shared_object_store.credentials.items():
        monkeypatch.setenv(name, value)
    return _shared_object_store.create_bucket()


@pytest.fixture
def object_store(tmp_path: Path, servers: list[Server], monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Run an S3 server for this test alone, to be stopped, frozen and restarted; its keys are set."""
    server = ObjectStore(tmp_path / "objects")
    servers.append(server)
    for name, value in server.credentials.items():
        monkeypatch.setenv(name, value)
    try:
        server.start()
        yield server
    finally:
        server.stop()


# --- Measured data, which is not part of this repository.


@pytest.fixture(scope="session")
def petra3_csv() -> Path:
    """Stored current of PETRA III on 2017-09-15: columns ``time_utc,scan,beam_current_mA``."""
    name = "petra3_2017-09-15_beam_current.csv"
    folder = Path(os.environ.get("KADO_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / name).is_file():
        pytest.skip(
            f"no {name} in {folder} (KADO_TEST_DATA names another folder); it is made from"
            " spec2nexus/data/spec_from_spock.spc of github.com/prjemian/spec2nexus (CC BY 4.0, Pete R. Jemian)"
        )
    return folder / name
