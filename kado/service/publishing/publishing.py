"""``kado publish``: the derived series brought up to date in one go, beside the service or without it."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from facility.definition import load_definition
from facility.errors import UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import Clock
from kado.config import Configuration
from kado.queries.evidence import extent_of
from kado.queries.findings_by_day import Days
from kado.queries.identity import identity
from kado.queries.record import load_record
from kado.service.publishing.publisher import Counted, Publisher
from kado.stores import open_store

_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published."""

    definitions: tuple[str, ...]
    points: int
    """Points that were written or deleted; 0 where everything was as it should be."""
    rebuilt: bool


def publish(
    configuration: Configuration,
    clock: Clock,
    *,
    rebuild: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Publication:
    """Bring the derived series up to date; with `rebuild` delete them first.

    Parameters
    ----------
    progress
        Called with how many months of how many are done.

    Raises
    ------
    UsageError
        If the store is embedded, or nothing is to be published.
    PeriodError
        If there are no samples yet.
    UnreachableError, AuthorizationError
        If the server does not answer, refuses us, or has no bucket for derived series.
    """
    if not configuration.backend.local and not configuration.published:
        raise UsageError(
            Sentence(
                "{configuration} has no [publish] table: add one to publish figures", configuration=configuration.path
            )
        )
    bucket = configuration.backend.open_derived()
    if bucket is None:
        raise UsageError(
            Sentence(
                "store.kind is 'embedded': derived series are for Grafana beside InfluxDB; with this "
                "store Grafana reads the metrics of kado run through Prometheus"
            )
        )
    points, most = 0, 0
    with closing(bucket), open_store(configuration) as store:
        profile, record = configuration.profile, load_record(configuration)
        extent = extent_of(store, profile)
        counted: list[Counted] = []
        for name in configuration.published:
            definition = load_definition(name, configuration.folder)
            days = Days(configuration, store, definition, extent)
            days.learn(record)
            counted.append(Counted(definition, days))
        publisher = Publisher(profile, counted, bucket, extent[0])
        publisher.learn(record.incidents)
        if rebuild:
            publisher.clear()
        while True:
            done = publisher.step(clock(), _PATIENCE_S)
            points += done.points
            most = max(most, done.left)
            progress(most - done.left, most)
            if not done.left:
                # Once more: what needed days of later steps, such as the year, is complete now.
                points += publisher.step(clock(), _PATIENCE_S).points
                return Publication(configuration.published, points, rebuild)


def publication_document(profile: Profile, done: Publication) -> dict[str, Any]:
    """Return what was published for programs."""
    return {
        **identity(profile),
        "definitions": list(done.definitions),
        "points": done.points,
        "rebuilt": done.rebuilt,
    }
