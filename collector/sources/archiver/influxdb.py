"""Buckets of InfluxDB that others wrote, read by InfluxQL over HTTP."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import urlencode

import numpy as np

from collector.sources.archiver.archive import Recorded
from collector.sources.http.fetch import Endpoint, fetch
from facility.errors import DataError
from facility.sentence import Sentence

_AT_ONCE: Final = 50_000
"""Points of one answer."""
_UNESCAPED_COMMA: Final = re.compile(r"(?<!\\),")
_UNESCAPED_EQUALS: Final = re.compile(r"(?<!\\)=")


class InfluxArchive:
    """`collector.sources.archiver.archive.Archive` of an InfluxDB 1.8, or 2 by its compatible interface.

    Parameters
    ----------
    endpoint
        The server, with the token in its headers.
    database
        The bucket or database.
    """

    def __init__(self, endpoint: Endpoint, database: str) -> None:
        self._endpoint = endpoint
        self._database = database

    def check(self) -> str:
        """Ask for one measurement."""
        self._ask("SHOW MEASUREMENTS LIMIT 1")
        return f"InfluxDB, bucket {self._database}"

    def read(self, channel: str, field: str, start_ns: int, end_ns: int) -> Iterator[Recorded]:
        """Yield what is recorded, in pieces."""
        measurement, tags = parse_series(channel)
        where = "".join(f" AND {_name(tag)} = {_text(value)}" for tag, value in tags)
        after_ns = start_ns
        while True:
            rows = self._ask(
                f"SELECT {_name(field)} FROM {_name(measurement)} WHERE time >= {after_ns} AND time < {end_ns}{where}"
                f" ORDER BY time ASC LIMIT {_AT_ONCE}",
            )
            if rows:
                yield _recorded(rows, channel)
            if len(rows) < _AT_ONCE:
                return
            after_ns = int(rows[-1][0]) + 1

    def close(self) -> None:
        """Do nothing: each question has a connection of its own."""

    def _ask(self, query: str) -> list[list[Any]]:
        asked = urlencode({"db": self._database, "q": query, "epoch": "ns"})
        where = replace(self._endpoint, url=f"{self._endpoint.url.rstrip('/')}/query?{asked}")
        body = fetch(where).body or b""
        try:
            answer = cast("dict[str, Any]", json.loads(body))
            (result,) = answer["results"]
            if "error" in result:
                raise DataError(
                    Sentence(
                        "source {source_id}: InfluxDB refuses {query!r}: {result}",
                        source_id=self._endpoint.source_id,
                        query=query,
                        result=result["error"],
                    )
                )
            series = cast("list[dict[str, Any]]", result.get("series", []))
            values = [cast("list[list[Any]]", one["values"]) for one in series]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(
                Sentence(
                    "source {source_id}: not an answer of InfluxDB: {error}",
                    source_id=self._endpoint.source_id,
                    error=error,
                )
            ) from error
        if len(series) > 1:
            raise DataError(
                Sentence(
                    "source {source_id}: {query!r} finds {count} series: name more tags",
                    source_id=self._endpoint.source_id,
                    query=query,
                    count=len(series),
                )
            )
        return values[0] if values else []


def parse_series(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return measurement and tags of ``measurement,tag=value``; a comma or '=' in a name is written with a backslash.

    Raises
    ------
    ValueError
        If it is not a series.
    """
    measurement, *rest = _UNESCAPED_COMMA.split(text)
    tags: list[tuple[str, str]] = []
    for pair in rest:
        parts = _UNESCAPED_EQUALS.split(pair)
        if len(parts) != 2 or not all(parts):
            raise ValueError(
                Sentence("series {text!r}: {pair!r} is not a tag: write measurement,tag=value", text=text, pair=pair)
            )
        tags.append((_plain(parts[0]), _plain(parts[1])))
    if not measurement:
        raise ValueError(Sentence("series {text!r} names no measurement: write measurement,tag=value", text=text))
    return _plain(measurement), tags


def _plain(text: str) -> str:
    return re.sub(r"\\([,= ])", r"\1", text)


def _name(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _recorded(rows: list[list[Any]], channel: str) -> Recorded:
    values = [row[1] for row in rows]
    texts = [v if isinstance(v, str) else ("true" if v else "false") if isinstance(v, bool) else None for v in values]
    numbers = [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else np.nan for v in values]
    return Recorded(
        np.array([int(row[0]) for row in rows], np.int64),
        np.array(numbers, np.float64),
        texts if any(text is not None for text in texts) else None,
    )
