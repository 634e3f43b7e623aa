"""The backends on which the contract suites run, each made empty for a test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from facility.batch import Batch
from facility.time import MAX_NS, NS_PER_DAY, NS_PER_S
from storage.embedded.store import EmbeddedStore
from storage.influxdb.downsampling import Downsampler
from storage.influxdb.store import InfluxStore
from storage.store import TelemetryStore, Written

FACILITY = "ring"


def open_embedded(request: pytest.FixtureRequest) -> TelemetryStore:
    return EmbeddedStore(Path(request.getfixturevalue("tmp_path"), "data"), FACILITY, read_only=False)


def open_influxdb(request: pytest.FixtureRequest) -> TelemetryStore:
    bucket = request.getfixturevalue("influx_bucket")
    return InfluxStore(bucket.url, bucket.org, bucket.name, bucket.token, FACILITY)


class SealedStore(EmbeddedStore):
    """Seals all that it holds after every write."""

    def write(self, batch: Batch) -> Written:
        written = super().write(batch)
        self.seal(MAX_NS)
        return written


def open_sealed(request: pytest.FixtureRequest) -> TelemetryStore:
    return SealedStore(Path(request.getfixturevalue("tmp_path"), "data"), FACILITY, read_only=False)


class DownsampledStore(InfluxStore):
    """Sums up all days that it holds after every write; far in the future, where all of them are over."""

    def write(self, batch: Batch) -> Written:
        written = super().write(batch)
        downsampler = Downsampler(self._client, self._of_minutes, FACILITY, lambda: FAR + NS_PER_DAY)
        downsampler.run(downsampler.signals())
        return written


FAR = 4_000_000_000 * NS_PER_S


def open_downsampled(request: pytest.FixtureRequest) -> TelemetryStore:
    bucket = request.getfixturevalue("influx_bucket")
    bucket.server.create_bucket(name=f"{bucket.name}_1m")
    return DownsampledStore(bucket.url, bucket.org, bucket.name, bucket.token, FACILITY, clock=lambda: FAR)


def open_sealed_objects(request: pytest.FixtureRequest) -> TelemetryStore:
    address = request.getfixturevalue("object_bucket").uri()
    data_dir = Path(request.getfixturevalue("tmp_path"), "data")
    return SealedStore(data_dir, FACILITY, read_only=False, archive=address)


TELEMETRY_STORES: dict[str, Callable[[pytest.FixtureRequest], TelemetryStore]] = {
    "embedded": open_embedded,
    "embedded-sealed": open_sealed,
    "embedded-sealed-objects": open_sealed_objects,
    "influxdb": open_influxdb,
    "influxdb-downsampled": open_downsampled,
}


@pytest.fixture(params=TELEMETRY_STORES)
def store(request: pytest.FixtureRequest) -> Iterator[TelemetryStore]:
    """An empty store of facility `ring`."""
    opened = TELEMETRY_STORES[request.param](request)
    yield opened
    opened.close()
