"""kado's own knowledge as series that alarms read: facts each 10 s, figures each 60 s, stamped with the slot."""

import logging
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from analytics.alarms import Engine, FactSample
from collector.ledger import read_ledger
from facility.alarms import AlarmState, fact_series, figure_series
from facility.alarms.facts import FACT_PERIOD_S, FIGURE_PERIOD_S
from facility.errors import KadoError
from facility.schedule import Category
from facility.time import NS_PER_H, parse_time, to_ns
from kado.config import Configuration
from kado.service.application_status import ApplicationStatus
from kado.service.live_figures import LiveFigures
from storage.data_dir import DataDir

_LOG: Final = logging.getLogger(__name__)
_FACT_NS: Final = to_ns(FACT_PERIOD_S)
_FIGURE_NS: Final = to_ns(FIGURE_PERIOD_S)
_REFILL: Final = "refill"


@dataclass(slots=True)
class FactSources:
    """Where facts come from; what is not there gives no value."""

    status: Callable[[], ApplicationStatus]
    figures: Callable[[], LiveFigures | None]
    """The figures of the running periods; None: they are not kept."""
    notify_oldest_s: Callable[[], float | None] = lambda: None
    """Age of the oldest notification that was not delivered; None: nothing is notified."""


class AlarmFacts:
    """Publishes facts and figures for slots of the wall clock, each once; slots that were missed are left out."""

    def __init__(self, configuration: Configuration, sources: FactSources) -> None:
        self._configuration = configuration
        self._sources = sources
        self._fact_slot = self._figure_slot = -1
        self._problem = ""
        self.latest: dict[str, float | str | None] = {}
        """Each fact as it was last published; None: nothing is known."""

    def due(self, now_ns: int, engine: Engine) -> list[FactSample]:
        """Return what is to be published now."""
        found: list[FactSample] = []
        if (slot := now_ns // _FACT_NS) > self._fact_slot:
            self._fact_slot = slot
            found += self._facts(slot * _FACT_NS, now_ns, engine)
        if (slot := now_ns // _FIGURE_NS) > self._figure_slot:
            self._figure_slot = slot
            found += self._figures(slot * _FIGURE_NS)
        return found

    def _facts(self, stamp: int, now_ns: int, engine: Engine) -> Iterator[FactSample]:
        for name, read in {
            "ledger_difference": self._ledger,
            "dead_letters": self._dead_letters,
            "forwarder_state": self._forwarder,
            "landing_state": lambda: self._sources.status().landing.state.value,
            "landing_fill_pct": lambda: 100.0 * self._sources.status().landing.fill,
            "disk_free_pct": self._disk,
            "mode_agreement": lambda: mode_agreement(engine.category, engine.mode),
            "backup_age_h": lambda: self._backup_age(now_ns),
            "notify_oldest_s": self._sources.notify_oldest_s,
            "alarms_unknown": lambda: float(sum(r.shown is AlarmState.UNKNOWN for r in engine.records)),
        }.items():
            value: float | str | None = None
            try:
                value = read()
            except (KadoError, OSError) as error:
                if str(error) != self._problem:
                    _LOG.warning("fact %s: %s", name, error)
                self._problem = str(error)
            self.latest = {**self.latest, name: value}
            yield FactSample(fact_series(name), stamp, value)

    def _ledger(self) -> float:
        return float(sum(abs(s.missing) for s in read_ledger(self._configuration.data_dir).sources()))

    def _dead_letters(self) -> float:
        return float(sum(s.rejected for s in read_ledger(self._configuration.data_dir).sources()))

    def _forwarder(self) -> str | None:
        forwarder = self._sources.status().forwarder
        return None if forwarder is None else forwarder.state.value

    def _disk(self) -> float:
        usage = shutil.disk_usage(self._configuration.data_dir)
        return 100.0 * usage.free / usage.total

    def _backup_age(self, now_ns: int) -> float | None:
        marker = DataDir(self._configuration.data_dir).last_backup
        if not marker.exists():
            return None
        return (now_ns - parse_time(marker.read_text(encoding="utf-8").strip())) / NS_PER_H

    def _figures(self, stamp: int) -> Iterator[FactSample]:
        live = self._sources.figures()
        if live is None:
            return
        for period, found in live.by_period().items():
            coverage, user_time_h = found.figures.coverage_pct, found.accounts.user_time / NS_PER_H
            for name, value in live.values(period).items():
                series = figure_series(name, period)
                yield FactSample(series, stamp, value, coverage_pct=coverage, user_time_h=user_time_h)


def mode_agreement(planned: Category | None, mode: str | None) -> str | None:
    """Return whether the machine's mode agrees with the plan; None where nothing is compared.

    Only words that name a category are compared, ``refill`` belonging to user time, and only where something is
    planned.
    """
    if planned is None or planned is Category.UNSCHEDULED or mode is None:
        return None
    if mode != _REFILL and mode not in list(Category):
        return None
    meant = Category.USER if mode == _REFILL else Category(mode)
    agrees = meant is planned or (meant.is_user_time and planned.is_user_time)
    return "agrees" if agrees else "contradicts"
