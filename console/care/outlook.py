"""How the store will grow, in what ``kado status`` and ``kado store status`` show."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass

from console.config import Configuration, EmbeddedSettings
from storage.embedded.care.census import Space, take_space
from storage.embedded.care.forecast import Forecast, forecast
from storage.embedded.care.growth import Growth, measure_growth
from storage.telemetry_db import open_reader


@dataclass(frozen=True, slots=True)
class Outlook:
    """Bytes now, and what becomes of them."""

    space: Space
    growth: Growth | None
    """None: nothing came in lately; always with InfluxDB, which keeps its files itself."""
    forecast: Forecast | None
    """None: also if no day was sealed yet, so that nobody knows how large samples become."""


def load_outlook(configuration: Configuration, now_ns: int) -> Outlook:
    """Measure and look ahead, beside whoever writes; cheap.

    Raises
    ------
    ConfigError
        If nothing was collected yet.
    """
    with closing(open_reader(configuration.data_dir)) as connection:
        return outlook_of(configuration, connection, now_ns)


def outlook_of(configuration: Configuration, connection: sqlite3.Connection, now_ns: int) -> Outlook:
    """Do the same on a connection that is open."""
    space = take_space(connection, configuration.data_dir)
    settings = configuration.store
    if not isinstance(settings, EmbeddedSettings):
        return Outlook(space, None, None)
    growth = measure_growth(connection, now_ns)
    if growth is None or space.archive_free is None:
        return Outlook(space, growth, None)
    ahead = forecast(space.by_signal, growth, settings.retention.days, space.archive_free)
    return Outlook(space, growth, ahead)
