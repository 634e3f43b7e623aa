"""The forwarder against a server that misbehaves to order: nothing is lost, nothing is counted twice."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from collector.arrival import Arrival
from collector.delivery_policy import DeliveryPolicy
from collector.forwarder import Forwarder
from collector.forwarder_status import ForwarderState
from collector.landing import Landing
from collector.ledger import SourceTotals, read_ledger
from facility.batch import Batch
from facility.errors import AuthorizationError, UnreachableError
from facility.time import system_clock
from scripted_influxdb import ScriptedInfluxDB, Step
from storage.influxdb.client import InfluxClient
from storage.telemetry_db.dead_letters import read_dead_letters
from storage.telemetry_db.gaps import read_gaps
from waiting import LONGEST_S, until

T = 1_790_000_000_000_000_000
QUICK = DeliveryPolicy(chance=lambda: 0.5, retry_base_s=0.002, retry_cap_s=0.02, hold_s=0.05)


@pytest.fixture
def script() -> Iterator[Callable[..., ScriptedInfluxDB]]:
    """Start servers that follow a script."""
    started: list[ScriptedInfluxDB] = []

    def start(*steps: Step, **options: object) -> ScriptedInfluxDB:
        started.append(ScriptedInfluxDB(*steps, **options))  # type: ignore[arg-type]  # options of any kind
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


def land(data_dir: Path, *batches: Batch) -> None:
    with Landing.open(data_dir, "ring", "influxdb") as landing:
        for batch in batches:
            landing.land_now(Arrival("mqtt", batch))


def numbers(first: int, count: int, signal: str = "stored_current") -> Batch:
    times = T + np.arange(first, first + count)
    return Batch.of_numbers("ring", signal, times, np.arange(first, first + count))


def forwarder(
    data_dir: Path, server: ScriptedInfluxDB, *, max_lines: int = 20_000, timeout_s: float = 5.0
) -> Forwarder:
    client = InfluxClient(server.url, "kado", "kado", "secret", token_source="KADO_TOKEN", timeout_s=timeout_s)
    return Forwarder(data_dir, "ring", client, system_clock, QUICK, max_lines=max_lines)


def totals(data_dir: Path) -> SourceTotals:
    (source,) = read_ledger(data_dir).sources()
    assert source.missing == 0
    return source


def stamps(server: ScriptedInfluxDB) -> list[int]:
    return [int(line.rsplit(b" ", 1)[1]) - T for line in server.lines if line.startswith(b"telemetry,")]


def test_what_waits_arrives_in_order_and_is_counted(data_dir: Path, script: Callable[..., ScriptedInfluxDB]) -> None:
    server = script()
    land(data_dir, numbers(0, 100), numbers(100, 50))
    assert totals(data_dir).waiting == 150
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
        assert forwarding.status().state is ForwarderState.IDLE
        assert forwarding.status().delivered == 150
    assert stamps(server) == list(range(150))
    assert (totals(data_dir).stored, totals(data_dir).waiting) == (150, 0)


def test_small_blobs_go_together_up_to_a_size(data_dir: Path, script: Callable[..., ScriptedInfluxDB]) -> None:
    server = script()
    land(data_dir, *[numbers(10 * i, 10) for i in range(20)])
    with forwarder(data_dir, server, max_lines=100) as forwarding:
        forwarding.drain()
    assert stamps(server) == list(range(200))
    assert len(server.writes) == 2


def test_a_blob_larger_than_a_request_goes_in_several(data_dir: Path, script: Callable[..., ScriptedInfluxDB]) -> None:
    server = script()
    land(data_dir, numbers(0, 1000))
    with forwarder(data_dir, server, max_lines=300) as forwarding:
        forwarding.drain()
    assert stamps(server) == list(range(1000))
    assert len(server.writes) == 4


@pytest.mark.parametrize("status", [401, 403, 404, 405])
async def test_what_a_person_must_mend_is_held_and_shown_and_loses_nothing(
    data_dir: Path,
    script: Callable[..., ScriptedInfluxDB],
    caplog: pytest.LogCaptureFixture,
    status: int,
) -> None:
    server = script(*[Step(status)] * 5)
    await asyncio.to_thread(land, data_dir, numbers(0, 100))
    with forwarder(data_dir, server) as forwarding:
        async with asyncio.timeout(LONGEST_S):
            running = asyncio.create_task(forwarding.run())
            seen: list[tuple[ForwarderState, str]] = []
            while len(server.lines) < 100:
                await asyncio.sleep(0.005)
                seen.append((forwarding.status().state, forwarding.status().problem))
            await until(lambda: forwarding.status().state is ForwarderState.IDLE)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert forwarding.status().problem == ""
    held = [problem for state, problem in seen if state is ForwarderState.HOLDING]
    assert held
    assert server.url in held[0]
    assert "secret" not in held[0]
    # Shouted once, not at every attempt.
    assert len([r for r in caplog.records if r.levelno == logging.ERROR]) == 1
    assert stamps(server) == list(range(100))
    counted = await asyncio.to_thread(totals, data_dir)
    assert (counted.stored, counted.rejected, counted.dropped) == (100, 0, 0)


@pytest.mark.parametrize(
    "step",
    [
        Step(503),
        Step(500, keep=True),
        Step(429),
        Step(None),
        Step(None, keep=True),
        Step(204, keep=True, delay_s=0.6),
    ],
    ids=["503", "500 though stored", "429", "reset", "reset though stored", "timeout though stored"],
)
def test_what_may_pass_is_tried_again_and_counted_once(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB], step: Step
) -> None:
    server = script(step, step, step)
    land(data_dir, numbers(0, 100))
    with forwarder(data_dir, server, timeout_s=0.3) as forwarding:
        forwarding.drain()
    assert sorted(set(stamps(server))) == list(range(100))
    counted = totals(data_dir)
    assert (counted.stored, counted.rewritten, counted.rejected, counted.dropped) == (100, 0, 0, 0)


def test_a_server_that_names_a_time_is_left_alone_until_then(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB]
) -> None:
    server = script(Step(429, {"Retry-After": "1"}))
    land(data_dir, numbers(0, 1))
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
    first, second = server.writes
    assert second - first >= 1.0


def test_too_large_requests_are_split(data_dir: Path, script: Callable[..., ScriptedInfluxDB]) -> None:
    server = script(max_lines=40)
    land(data_dir, *[numbers(30 * i, 30) for i in range(10)])
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
    assert stamps(server) == list(range(300))
    assert totals(data_dir).stored == 300


def test_one_bad_point_among_several_blobs_becomes_a_dead_letter(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB], caplog: pytest.LogCaptureFixture
) -> None:
    server = script(refused=b"value=77,")
    land(data_dir, numbers(0, 50), numbers(50, 50), numbers(100, 50))
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
    assert stamps(server) == [i for i in range(150) if i != 77]
    (canary,) = [line for line in server.lines if not line.startswith(b"telemetry,")]
    assert canary.startswith(b"kado_canary,facility=ring ")
    counted = totals(data_dir)
    assert (counted.received, counted.stored, counted.rejected) == (150, 149, 1)
    _, (letter,) = read_dead_letters(data_dir)
    assert (letter.source, letter.address, letter.cause) == ("mqtt", "stored_current", "refused_by_store")
    assert letter.payload == b'telemetry,facility=ring,signal=stored_current value=77,quality="good" %d\n' % (T + 77)
    assert "scripted 422" in letter.detail
    assert "InfluxDB refuses 1 points" in caplog.text


def test_a_server_that_refuses_everything_loses_us_nothing(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB]
) -> None:
    server = script(refused=b"")
    land(data_dir, numbers(0, 50))
    with forwarder(data_dir, server) as forwarding, pytest.raises(Exception, match="known to be good is refused"):
        forwarding.drain()
    assert totals(data_dir).waiting == 50
    assert read_dead_letters(data_dir)[0] == 0


@pytest.mark.parametrize("nth", [0, 1, 2])
def test_a_damaged_blob_is_named_and_set_aside_and_the_others_go_on(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB], caplog: pytest.LogCaptureFixture, nth: int
) -> None:
    server = script()
    land(data_dir, numbers(0, 10), numbers(10, 10), numbers(20, 10))
    with closing(sqlite3.connect(data_dir / "telemetry.db")) as connection:
        damaged = f"CAST(replace(CAST(lines AS TEXT), 'value={nth or ''}5', 'value=77') AS BLOB)"
        connection.execute(f"UPDATE outbox SET lines = {damaged} WHERE first_ns = ?", (T + 10 * nth,))
        connection.commit()
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
    assert stamps(server) == [i for i in range(30) if i // 10 != nth]
    counted = totals(data_dir)
    assert (counted.received, counted.stored, counted.lost) == (30, 20, 10)
    _, (letter,) = read_dead_letters(data_dir)
    assert (letter.cause, letter.address) == ("corrupt_blob", f"outbox/{nth + 1}")
    ((source, gap),) = read_gaps(data_dir)
    assert (source, gap.start_ns, gap.end_ns, gap.dropped) == ("mqtt", T + 10 * nth, T + 10 * nth + 10, 10)
    assert f"outbox blob {nth + 1}" in caplog.text


def test_a_file_that_cannot_be_written_counts_nothing_twice(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB]
) -> None:
    server = script()
    land(data_dir, numbers(0, 10))
    with forwarder(data_dir, server) as forwarding:
        forwarding.drain()
        land(data_dir, numbers(10, 10))
        assert forwarding._connection is not None
        forwarding._connection.execute("PRAGMA query_only = ON")
        # The first failure gives up the reserve on the disk, and tries again at once.
        forwarding._step()
        forwarding._step()
        assert forwarding.status().state is ForwarderState.RETRYING
        assert "telemetry.db cannot be read or written" in forwarding.status().problem
        forwarding._connection.execute("PRAGMA query_only = OFF")
        forwarding.drain()
    assert sorted(set(stamps(server))) == list(range(20))
    assert (totals(data_dir).stored, totals(data_dir).rewritten) == (20, 0)


def test_a_wrong_token_ends_a_drain_and_keeps_what_waits(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB]
) -> None:
    server = script(Step(401))
    land(data_dir, numbers(0, 10))
    with forwarder(data_dir, server) as forwarding, pytest.raises(AuthorizationError, match="KADO_TOKEN") as held:
        forwarding.drain()
    assert f"waits in {data_dir}" in str(held.value)
    assert totals(data_dir).waiting == 10


def test_a_drain_ends_when_patience_does(data_dir: Path) -> None:
    land(data_dir, numbers(0, 10))
    client = InfluxClient("http://127.0.0.1:1", "kado", "kado", "secret")
    with (
        Forwarder(data_dir, "ring", client, system_clock, QUICK) as forwarding,
        pytest.raises(UnreachableError, match=r"127\.0\.0\.1:1 does not answer"),
    ):
        forwarding.drain(patience_s=0.2)
    assert forwarding.status().failures > 3
    assert totals(data_dir).waiting == 10


async def test_a_forwarder_that_is_cancelled_ends_with_the_request_in_flight(
    data_dir: Path, script: Callable[..., ScriptedInfluxDB]
) -> None:
    server = script(Step(204, delay_s=0.5))
    await asyncio.to_thread(land, data_dir, numbers(0, 10))
    with forwarder(data_dir, server) as forwarding:
        running = asyncio.create_task(forwarding.run())
        await until(lambda: bool(server.writes))
        before = time.monotonic()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert time.monotonic() - before < LONGEST_S


def test_importing_the_forwarder_is_cheap() -> None:
    code = "import sys, collector.forwarder; print(*{'pyarrow', 'influxdb_client', 'urllib3'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == ""
