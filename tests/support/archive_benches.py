"""For each kind of archive a server that keeps what a test puts there, and kado's way to read it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from archiver_appliance import Archived, ArchiverAppliance
from collector.sources.archiver.archive import Archive, Recorded
from collector.sources.archiver.spec import ArchiverSource
from facility.time import NS_PER_S, format_time
from postgresql import PASSWORD, PostgreSQL
from servers import Bucket, InfluxDB

Sample = tuple[str, int, float | str, str]
"""Channel, time_ns, value, quality."""

SEVERITIES = {"good": (0, 0), "uncertain": (1, 6), "bad": (3, 9)}
"""Severity and status as EPICS numbers them: NO_ALARM, MINOR LOW, INVALID COMM."""
SECRET_ENV = "ARCHIVE_SECRET"


class ArchiveBench:
    """An archive with a server behind it; what was put there outlives a restart."""

    kind: str
    reasons: dict[str, tuple[int, str | None]] = {  # noqa: RUF012 - constants of a bench
        "good": (0, None), "uncertain": (1, "MINOR LOW"), "bad": (2, "INVALID COMM"),
    }  # fmt: skip
    """Quality and reason that become of what the archive recorded."""
    secret: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.kill()

    def put(self, samples: Sequence[Sample]) -> None:
        """Record samples, in order of time for each channel."""
        raise NotImplementedError

    def mapping(self, channel: str, signal: str, **options: Any) -> dict[str, Any]:
        return {"channel": channel, "signal": signal, **options}

    def place(self) -> dict[str, Any]:
        """Return what says where the archive is."""
        raise NotImplementedError

    def source(self, *mappings: dict[str, Any], **options: Any) -> ArchiverSource:
        table = {"id": "archive", "kind": "archiver", "archive": self.kind, "timeout_s": 5.0, **self.place()}
        return ArchiverSource.model_validate({**table, "signal": list(mappings), **options})


class ApplianceBench(ArchiveBench):
    """A server that answers as the documentation of the Archiver Appliance says, behind a token as a proxy asks it."""

    kind = "appliance"
    secret = "t0ken"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = ArchiverAppliance()
        self.server.token = self.secret

    def start(self) -> None:
        self.server.start()

    def kill(self) -> None:
        self.server.stop()

    def put(self, samples: Sequence[Sample]) -> None:
        for channel, time_ns, value, quality in samples:
            kind = "SCALAR_STRING" if isinstance(value, str) else "SCALAR_DOUBLE"
            kept = self.server.pvs.setdefault(channel, Archived([], kind))
            kept.samples.append((time_ns, value, *SEVERITIES[quality]))

    def place(self) -> dict[str, Any]:
        return {"url": self.server.retrieval, "secret_env": SECRET_ENV}


class AppliancePbBench(ApplianceBench):
    """The same, asked for its binary form."""

    kind = "appliance_pb"


class PostgresBench(ArchiveBench):
    """A real PostgreSQL with the tables of CS-Studio."""

    kind = "postgresql"
    secret = PASSWORD

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = PostgreSQL()
        self._made = False
        self._channels: dict[str, int] = {}

    def start(self) -> None:
        self.server.start()
        if self._made:
            return
        self._made = True
        self.server.execute(
            """
            CREATE TABLE channel (channel_id bigint PRIMARY KEY, name text);
            CREATE TABLE severity (severity_id bigint PRIMARY KEY, name text);
            CREATE TABLE status (status_id bigint PRIMARY KEY, name text);
            CREATE TABLE sample (channel_id bigint, smpl_time timestamptz, nanosecs bigint, severity_id bigint,
                status_id bigint, num_val int, float_val double precision, str_val varchar(120));
            CREATE INDEX ON sample (channel_id, smpl_time);
            INSERT INTO severity VALUES (0, 'NONE'), (1, 'MINOR'), (3, 'INVALID');
            INSERT INTO status VALUES (0, 'NONE'), (6, 'LOW'), (9, 'COMM');
            """
        )

    def kill(self) -> None:
        self.server.stop()

    def close(self) -> None:
        self.server.remove()

    def put(self, samples: Sequence[Sample]) -> None:
        new = [channel for channel in dict.fromkeys(s[0] for s in samples) if channel not in self._channels]
        for channel in new:
            self._channels[channel] = len(self._channels)
        self.server.execute("INSERT INTO channel VALUES (%s, %s)", [(self._channels[c], c) for c in new])
        rows: list[tuple[object, ...]] = [
            (
                self._channels[channel], format_time(time_ns // NS_PER_S * NS_PER_S), time_ns % NS_PER_S,
                *SEVERITIES[quality],
                None if isinstance(value, str) else value, value if isinstance(value, str) else None,
            )
            for channel, time_ns, value, quality in samples
        ]  # fmt: skip
        self.server.execute("INSERT INTO sample VALUES (%s, %s, %s, %s, %s, NULL, %s, %s)", rows)

    def place(self) -> dict[str, Any]:
        return {"url": self.server.url, "secret_env": SECRET_ENV}


class InfluxBench(ArchiveBench):
    """A real InfluxDB with a bucket that others wrote: it records no quality."""

    kind = "influxdb"
    reasons = {"good": (0, None), "uncertain": (0, None), "bad": (0, None)}  # noqa: RUF012 - constants of a bench

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = InfluxDB(folder)
        self._bucket: Bucket | None = None

    def start(self) -> None:
        self.server.start()
        if self._bucket is None:
            self._bucket = self.server.create_bucket()
            self.secret = self.server.token

    def kill(self) -> None:
        self.server.kill()

    def close(self) -> None:
        self.server.stop()

    def put(self, samples: Sequence[Sample]) -> None:
        assert self._bucket is not None
        lines = [
            f"{channel} value={json.dumps(value) if isinstance(value, str) else float(value)} {time_ns}"
            for channel, time_ns, value, _ in samples
        ]
        self._bucket.write("\n".join(lines))

    def place(self) -> dict[str, Any]:
        assert self._bucket is not None
        return {"url": self.server.url, "bucket": self._bucket.name, "secret_env": SECRET_ENV}


class WatchedArchive:
    """Counts what is asked of an archive."""

    def __init__(self, archive: Archive, asked: list[tuple[str, int, int]]) -> None:
        self._archive = archive
        self._asked = asked

    def check(self) -> str:
        return self._archive.check()

    def read(self, channel: str, field: str, start_ns: int, end_ns: int) -> Iterator[Recorded]:
        self._asked.append((channel, start_ns, end_ns))
        return self._archive.read(channel, field, start_ns, end_ns)

    def close(self) -> None:
        self._archive.close()


ARCHIVES: dict[str, type[ArchiveBench]] = {
    bench.kind: bench for bench in (ApplianceBench, AppliancePbBench, PostgresBench, InfluxBench)
}
