"""InfluxDB behind `storage.backend.StoreBackend`: samples land in the data directory and are forwarded to a bucket."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NoReturn

from facility.errors import UsageError
from facility.profile import Profile
from facility.schema import DERIVED_SUFFIX
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock
from storage.backends import InfluxOptions
from storage.embedded.maintenance.census import take_space
from storage.influxdb.client import MINUTES_SUFFIX, InfluxClient
from storage.influxdb.derived import DerivedBucket
from storage.influxdb.downsampling import Downsampler
from storage.influxdb.setup import set_up
from storage.influxdb.store import InfluxStore
from storage.inventory import Holdings, Outlook, SignalCensus
from storage.provisioning import Setup, SetupRequest
from storage.telemetry_db import TelemetryConnection, outbox
from storage.upkeep import Downsampled, Progress, SignalProgress, Verified

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InfluxBackend:
    """Implements `storage.backend.StoreBackend`."""

    profile: Profile
    data_dir: Path
    options: InfluxOptions
    configured_in: Path

    @property
    def kind(self) -> Literal["influxdb"]:
        """Its name in ``kado.toml``."""
        return "influxdb"

    @property
    def local(self) -> bool:
        """The samples are on a server."""
        return False

    @property
    def title(self) -> str:
        """What it is, for people."""
        return f"influxdb, bucket {self.options.bucket}"

    @property
    def name(self) -> str:
        """Which one it is, for people."""
        return f"bucket {self.options.bucket} at {self.options.url}"

    @property
    def place(self) -> tuple[str, ...]:
        """Server, organisation and bucket."""
        return (self.options.url.rstrip("/"), self.options.org, self.options.bucket)

    def open(self, *, patience_s: float | None = None) -> InfluxStore:
        """Open the store."""
        options = self.options
        return InfluxStore(
            options.url,
            options.org,
            options.bucket,
            options.token(),
            self.profile.id,
            timeout_s=options.timeout_s if patience_s is None else min(patience_s, options.timeout_s),
            token_source=options.token_source,
            query_timeout_s=patience_s,
        )

    def open_local(self, clock: Clock) -> NoReturn:
        """Raise `UsageError`: the server keeps its files itself."""
        raise UsageError(
            Sentence(
                "store.kind is 'influxdb': InfluxDB maintains the files of bucket {bucket!r} itself; "
                "this command is for the embedded store",
                bucket=self.options.bucket,
            )
        )

    def open_delivery(self) -> InfluxClient:
        """Return a client of the bucket of samples."""
        return self._client(self.options.bucket)

    def open_derived(self) -> DerivedBucket:
        """Return the bucket of derived series."""
        return DerivedBucket(self._client(self.options.bucket + DERIVED_SUFFIX))

    def oldest_kept_ns(self, now_ns: int) -> int | None:
        """Return the begin of the first day that the bucket keeps as a whole: what is about to expire is refused."""
        retention_ns = self._retention_ns()
        return None if retention_ns is None else ((now_ns - retention_ns) // NS_PER_DAY + 1) * NS_PER_DAY

    def check(self) -> Sentence:
        """Ask the server whether the bucket can be read and written."""
        with closing(self.open_delivery()) as client:
            client.bucket_info()
            client.try_query()
            answer = client.write(b"")
            # A token that may write gets the answer that there is nothing to write.
            if answer.status not in (204, 400):
                raise client.problem(answer)
        return Sentence(
            "InfluxDB at {url}, bucket {bucket}: may be read and written",
            url=self.options.url,
            bucket=self.options.bucket,
        )

    def verify(self, connection: TelemetryConnection, *, deep: bool, progress: Progress) -> Verified:
        """Return that no file was checked: the server keeps them."""
        return Verified((), 0, 0, 0)

    def take_inventory(self, connection: TelemetryConnection) -> Holdings:
        """Let the server count; it does not say how many bytes samples take."""
        with closing(self.open()) as store:
            series = store.series()
        kept_ns = self._retention_ns()
        days = None if kept_ns is None else kept_ns // NS_PER_DAY
        census = tuple(
            SignalCensus(s.signal, s.samples, 0, 0, 0, 0, 0, s.first_ns or 0, s.last_ns or 0)
            for s in series
            if s.samples
        )
        return Holdings(census, {one.signal: days for one in census}, outbox.size(connection).samples)

    def outlook(self, connection: TelemetryConnection, now_ns: int) -> Outlook:
        """Measure the data directory; the growth of the bucket is the server's."""
        return Outlook(take_space(connection, self.data_dir), None, None)

    def newest_sealed_ns(self, connection: TelemetryConnection) -> None:
        """Return None: no file is sealed."""

    def seal_before_ns(self, now_ns: int) -> int:
        """Return now: there are no days to seal."""
        return now_ns

    def maintain(self, clock: Clock, go_on: Callable[..., None]) -> None:
        """Aggregate past days to minutes."""
        done = self.downsample(clock, go_on=go_on)
        if done.days:
            _LOG.info("summed up %d days of %d signals into %d minutes", done.days, done.signals, done.minutes)

    def log_problem(self, problem: str) -> None:
        """Log what kept minutes from being aggregated."""
        _LOG.warning("long ranges are drawn from samples, since minutes cannot be summed up: %s", problem)

    def downsample(
        self,
        clock: Clock,
        *,
        signals: tuple[str, ...] = (),
        rebuild: bool = False,
        go_on: Callable[[], None] = lambda: None,
        progress: SignalProgress = lambda done, total, signal: None,
    ) -> Downsampled:
        """Aggregate past days to minutes; see `storage.influxdb.downsampling`."""
        bucket = self.options.bucket
        with closing(self.open_delivery()) as samples, closing(self._client(bucket + MINUTES_SUFFIX)) as minutes:
            downsampler = Downsampler(samples, minutes, self.profile.id, clock, go_on)
            known = downsampler.signals()
            for signal in signals:
                if signal not in known:
                    raise UsageError(
                        Sentence(
                            "bucket {bucket!r} has no signal {signal!r}: it has {known}",
                            bucket=bucket,
                            signal=signal,
                            known=", ".join(known) or Sentence("none"),
                        )
                    )
            return downsampler.run(signals or known, rebuild=rebuild, progress=progress)

    def set_up(self, request: SetupRequest) -> Setup:
        """Make the buckets, and a token for them; see `storage.influxdb.setup`."""
        return set_up(self.options, self.profile.id, request, self.configured_in)

    def _client(self, bucket: str) -> InfluxClient:
        options = self.options
        return InfluxClient(
            options.url,
            options.org,
            bucket,
            options.token(),
            token_source=options.token_source,
            timeout_s=options.timeout_s,
        )

    def _retention_ns(self) -> int | None:
        with closing(self.open_delivery()) as client:
            return client.bucket_info().retention_ns
