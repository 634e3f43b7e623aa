"""``kado store downsample``, and what `kado run` does of it on the hour; on a real server."""

import asyncio
import logging
import os
from pathlib import Path

import numpy as np
import pytest

from command_line import Kado, run
from facility.batch import Batch
from facility.time import NS_PER_DAY, NS_PER_S, system_clock
from kado.config import Configuration, load_configuration
from kado.service.upkeep import Upkeep
from servers import Bucket
from waiting import LONGEST_S

FACILITY = "nanoterasu_sim"


@pytest.fixture
def kado(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kado:
    for name in list(os.environ):
        if name.startswith("KADO_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return run


def configure(bucket: Bucket, *, minutes: bool = True) -> Configuration:
    """Write a configuration for a bucket with three days of samples that end an hour and a half ago, and one state."""
    if minutes:
        bucket.server.create_bucket(name=f"{bucket.name}_1m")
    Path("token").write_text(bucket.token)
    Path("kado.toml").write_text(
        f'facility = "{FACILITY}"\n[store]\nkind = "influxdb"\nurl = "{bucket.url}"\norg = "{bucket.org}"\n'
        f'bucket = "{bucket.name}"\ntoken_file = "token"\n'
    )
    configuration = load_configuration()
    today = system_clock() // NS_PER_DAY
    times = (today - 5) * NS_PER_DAY + np.arange(3 * 1440) * 60 * NS_PER_S
    store = configuration.backend.open()
    store.write(Batch.of_numbers(FACILITY, "stored_current", times, np.arange(len(times))))
    store.write(Batch.of_states(FACILITY, "machine_mode", times[:1], ["user"]))
    store.close()
    return configuration


def later() -> int:
    """Return a time at which what was just written has settled."""
    return system_clock() + 600 * NS_PER_S


def done(bucket: Bucket) -> int:
    return len(Bucket(bucket.server, f"{bucket.name}_1m").query("SELECT seen FROM minutes_done WHERE time > 0"))


def test_what_was_written_a_moment_ago_has_to_wait(kado: Kado, influx_bucket: Bucket) -> None:
    configure(influx_bucket)
    answer = kado("store", "downsample")
    assert answer.exit_code == 0, answer.err
    assert "0 days of 2 signals aggregated to 0 minutes" in answer.out
    assert "4 days have samples that were written less than five minutes ago; repeat later" in answer.out


def test_days_that_are_over_are_summed_up(kado: Kado, influx_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(influx_bucket)
    monkeypatch.setattr("kado.cli.store_downsample.system_clock", later)
    answer = kado("store", "downsample", "--format", "json")
    assert answer.exit_code == 0, answer.err
    assert answer.document == {
        "facility": FACILITY, "simulated": True, "signals": 2, "days": 4, "minutes": 4320, "waiting": 0,
    }  # fmt: skip
    assert kado("store", "downsample", "--format", "json").document["days"] == 0
    again = kado("store", "downsample", "--rebuild", "--signal", "stored_current", "--format", "json").document
    assert (again["days"], again["minutes"]) == (3, 4320)


def test_what_cannot_be_summed_up_is_told_with_the_remedy(kado: Kado, influx_bucket: Bucket) -> None:
    configure(influx_bucket, minutes=False)
    missing = kado("store", "downsample")
    assert missing.exit_code == 3
    assert f"has no bucket '{influx_bucket.name}_1m' that the token may see; create it with: kado store init" in (
        missing.err
    )
    unknown = kado("store", "downsample", "--signal", "nothing")
    assert unknown.exit_code == 2
    assert "has no signal 'nothing': it has machine_mode, stored_current" in unknown.err


def test_the_embedded_store_has_its_minutes_already(kado: Kado) -> None:
    kado("init")
    answer = kado("store", "downsample")
    assert answer.exit_code == 2
    assert "its sealed days have their minutes beside them" in answer.err


@pytest.mark.blocking("the test asks the server between two looks")
async def test_the_service_sums_up_at_its_start_and_ends_when_told(kado: Kado, influx_bucket: Bucket) -> None:
    configuration = configure(influx_bucket)
    task = asyncio.create_task(Upkeep(configuration, later).run(), name="upkeep")
    async with asyncio.timeout(LONGEST_S):
        while done(influx_bucket) < 4:
            await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.blocking("the test configures a store")
async def test_the_service_goes_on_without_the_bucket_and_says_so(
    kado: Kado, influx_bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    configuration = configure(influx_bucket, minutes=False)
    with caplog.at_level(logging.WARNING, "storage.influxdb.backend"):
        task = asyncio.create_task(Upkeep(configuration, later).run(), name="upkeep")
        async with asyncio.timeout(LONGEST_S):
            while not caplog.messages:
                await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    (message,) = caplog.messages
    assert message.startswith("long ranges are drawn from samples, since minutes cannot be summed up: InfluxDB at")
