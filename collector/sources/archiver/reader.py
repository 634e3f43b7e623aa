"""The newest samples of an archive, as a source reader: to see whether it answers, and with what."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from collector.sources.archiver.archive import Archive, Recorded, read_all
from collector.sources.blocking import in_thread
from collector.sources.channels import Channels
from collector.sources.updates import to_samples
from facility.errors import UnreachableError
from facility.sentence import Sentence
from facility.source import Delivery, GapReport, LinkReport, Notice
from facility.time import Clock, to_ns

RECENT_S: Final = 600.0


class ArchiveReader:
    """Yields what was recorded in the last ten minutes, once; see `facility.source.Reader`.

    An archive keeps what was not fetched, and is asked for a range: see `collector.sources.archiver.backfill`.
    """

    def __init__(
        self, source_id: str, archive: Archive, channels: Channels, fields: Sequence[tuple[str, str]], clock: Clock
    ) -> None:
        self.replayable = True
        self.notices: tuple[Notice, ...] = ()
        self._source_id = source_id
        self._archive = archive
        self._channels = channels
        self._fields = fields
        self._clock = clock

    async def items(self) -> AsyncIterator[Delivery | LinkReport | GapReport]:
        """Yield a delivery for each channel that has something, then end the connection."""
        now = self._clock()
        start = now - to_ns(RECENT_S)
        for code, (channel, field) in enumerate(self._fields):

            def ask(channel: str = channel, field: str = field) -> list[Recorded]:
                return read_all(self._archive, channel, field, start, now)

            for recorded in await in_thread(ask, f"{self._source_id}: read"):
                if len(recorded):
                    yield Delivery(*to_samples(self._channels, recorded.columns(code), now))
        raise UnreachableError(
            Sentence(
                "source {source_id}: all that the archive has of the last minutes was read", source_id=self._source_id
            )
        )

    async def acknowledge(self, token: object) -> None:
        """Do nothing: an archive keeps what it has."""
