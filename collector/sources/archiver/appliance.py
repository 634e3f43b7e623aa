"""The EPICS Archiver Appliance: its retrieval over HTTP, as JSON or in its binary form.

References
----------
EPICS Archiver Appliance documentation, "Fetch data" (``getData.json``: ``pv``, ``from``, ``to``) and "The .pb file
format and the .pbraw binary protocol" (``getData.raw``).
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, cast
from urllib.parse import quote

import numpy as np

from collector.sources.archiver.archive import Recorded
from collector.sources.archiver.pb import read_chunks
from collector.sources.epics_ca.alarms import quality_of, reason_of, status_name
from collector.sources.http.fetch import Endpoint, NoDocumentError, fetch
from facility.errors import DataError
from facility.sentence import Sentence
from facility.time import NS_PER_S, format_time

FORMS: Final = {"appliance": "json", "appliance_pb": "raw"}


class Appliance:
    """`collector.sources.archiver.archive.Archive` of an Archiver Appliance.

    Parameters
    ----------
    endpoint
        Its ``data_retrieval_url``, such as ``http://host:17668/retrieval``.
    form
        ``json`` or ``raw``.
    """

    def __init__(self, endpoint: Endpoint, form: str) -> None:
        self._endpoint = endpoint
        self._form = form

    def check(self) -> str:
        """Ask for the version of its retrieval."""
        url = f"{self._endpoint.url.rstrip('/')}/bpl/getVersion"
        try:
            answer = fetch(replace(self._endpoint, url=url)).body or b""
        except NoDocumentError:
            return "an Archiver Appliance that does not say its version"
        return f"Archiver Appliance {_version(answer)}"

    def read(self, channel: str, field: str, start_ns: int, end_ns: int) -> Iterator[Recorded]:
        """Yield what is recorded, the sample before the range included."""
        # The appliance knows milliseconds in a question; what is too much is cut off here.
        end_up_ns = -(-end_ns // 1_000_000) * 1_000_000
        span = f"from={_time(start_ns)}&to={_time(end_up_ns)}"
        url = f"{self._endpoint.url.rstrip('/')}/data/getData.{self._form}?pv={quote(channel, safe='')}&{span}"
        try:
            body = fetch(replace(self._endpoint, url=url)).body or b""
        except NoDocumentError as error:
            raise DataError(
                Sentence(
                    "source {source_id}: the archive has no PV {channel!r}",
                    source_id=self._endpoint.source_id,
                    channel=channel,
                )
            ) from error
        parts = _from_json(body, channel) if self._form == "json" else _from_raw(body)
        for part in parts:
            kept = np.flatnonzero(part.time_ns < end_ns)
            yield part if len(kept) == len(part) else _take(part, kept.tolist())

    def close(self) -> None:
        """Do nothing: each question has a connection of its own."""


def _time(time_ns: int) -> str:
    return quote(format_time(time_ns // 1_000_000 * 1_000_000), safe="")


def _version(answer: bytes) -> str:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    return " ".join(map(str, cast("dict[str, Any]", said).values())) if isinstance(said, dict) else str(said)


def _from_json(body: bytes, channel: str) -> Iterator[Recorded]:
    try:
        document = json.loads(body)
        for part in document:
            data: list[dict[str, Any]] = part["data"]
            time_ns = [int(d["secs"]) * NS_PER_S + int(d.get("nanos", 0)) for d in data]
            severity = [int(d.get("severity", 0)) for d in data]
            status = [int(d.get("status", 0)) for d in data]
            yield _recorded(time_ns, [d["val"] for d in data], severity, status)
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            Sentence(
                "the archive answers for {channel!r} in a form that getData.json does not have: "
                "{name} {error}; is the url that of the retrieval?",
                channel=channel,
                name=type(error).__name__,
                error=error,
            )
        ) from error


def _from_raw(body: bytes) -> Iterator[Recorded]:
    for chunk in read_chunks(body):
        yield _recorded(chunk.time_ns, chunk.values, chunk.severity, chunk.status)


def _recorded(time_ns: list[int], values: list[Any], severity: list[int], status: list[int]) -> Recorded:
    numbers = [float(v) if isinstance(v, int | float) and not isinstance(v, bool) else np.nan for v in values]
    texts = [None if isinstance(v, int | float) and not isinstance(v, bool) else _text(v) for v in values]
    reasons = [reason_of(s, status_name(t)) for s, t in zip(severity, status, strict=True)]
    return Recorded(
        np.array(time_ns, np.int64),
        np.array(numbers, np.float64),
        texts if any(text is not None for text in texts) else None,
        quality_of(severity) if any(severity) else None,
        reasons if any(severity) else None,
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) else f"an array or structure: {value!r}"[:200]


def _take(part: Recorded, rows: list[int]) -> Recorded:
    columns = part.columns(0).take(rows)
    texts = None if columns.text is None else list(columns.text)
    reasons = None if columns.reason is None else list(columns.reason)
    return Recorded(columns.time_ns, columns.number, texts, columns.quality, reasons)
