"""Derived series in a bucket of InfluxDB."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from facility.time import EARLIEST_NS, LATEST_NS
from storage.derived import Point, Scope, Value
from storage.influxdb.client import NO_CONTENT, InfluxClient
from storage.influxdb.reading import literal

_LINES_A_REQUEST: Final = 10_000
_SINGLE_DELETIONS: Final = 20
"""With more points to delete than this, the whole scope is deleted and written again."""
_FOR_TAGS: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\\": "/"})
"""A tag cannot hold a line break or end in a backslash."""
_FOR_TEXT: Final = str.maketrans({'"': r"\"", "\\": r"\\"})


@dataclass(frozen=True, slots=True)
class Change:
    """What makes the points that are held those that are wanted."""

    delete: tuple[int, ...]
    """Stamps, in order: everything stamped so goes, before anything is written."""
    write: tuple[Point, ...]


def change(held: Iterable[Point], wanted: Sequence[Point]) -> Change:
    """Compare points of a scope.

    A point is deleted where it is not wanted, and where it has a field that is not wanted: what is written leaves
    other fields as they are.
    """
    before = {(p.time_ns, p.tags): p for p in held}
    after = {(p.time_ns, p.tags): p for p in wanted}
    surplus = {
        time_ns
        for (time_ns, tags), point in before.items()
        if (time_ns, tags) not in after or not point.fields.keys() <= after[time_ns, tags].fields.keys()
    }
    write = [
        point
        for key, point in after.items()
        if point.time_ns in surplus or key not in before or not _same(before[key].fields, point.fields)
    ]
    return Change(tuple(sorted(surplus)), tuple(write))


def encode_points(scope: Scope, points: Iterable[Point]) -> bytes:
    r"""Write points as line protocol with times in nanoseconds.

    Examples
    --------
    >>> encode_points(Scope("plan", (("facility", "ring"),)), [Point(1, (), {"category": "user", "end_ms": 5})])
    b'plan,facility=ring category="user",end_ms=5i 1\n'
    """
    lines: list[str] = []
    for point in points:
        tags = "".join(f",{name}={value.translate(_FOR_TAGS)}" for name, value in sorted((*scope.tags, *point.tags)))
        fields = ",".join(f"{name}={_literal(value)}" for name, value in sorted(point.fields.items()))
        lines.append(f"{scope.measurement}{tags} {fields} {point.time_ns}\n")
    return "".join(lines).encode()


class DerivedBucket:
    """Implements `storage.derived.DerivedSeries` in a bucket of its own."""

    def __init__(self, client: InfluxClient) -> None:
        self._client = client

    def replace(self, scope: Scope, wanted: Sequence[Point]) -> int:
        """Make the points of a scope those that are wanted; return how many had to be written or deleted."""
        found = change(self._held(scope), wanted)
        delete, write = found.delete, found.write
        tags = dict(scope.tags)
        if len(delete) > _SINGLE_DELETIONS:
            self._client.delete(tags, scope.first_ns, scope.last_ns, measurement=scope.measurement)
            write = tuple(wanted)
        else:
            for time_ns in delete:
                self._client.delete(tags, time_ns, time_ns, measurement=scope.measurement)
        for first in range(0, len(write), _LINES_A_REQUEST):
            answer = self._client.write(encode_points(scope, write[first : first + _LINES_A_REQUEST]))
            if answer.status != NO_CONTENT:
                raise self._client.problem(answer)
        return len(delete) + len(write)

    def clear(self, measurement: str, facility: str) -> None:
        """Delete every point of a facility."""
        self._client.delete({"facility": facility}, EARLIEST_NS, LATEST_NS, measurement=measurement)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _held(self, scope: Scope) -> list[Point]:
        where = [f'"{name}" = {literal(value)}' for name, value in scope.tags]
        where.append(f"time >= {scope.first_ns} AND time <= {scope.last_ns}")
        # SHOW TAG KEYS fails on a bucket with a slash in its name, so names of tags are taken from the series.
        (series,) = self._client.query_series(
            f'SELECT *::field FROM "{scope.measurement}" WHERE {" AND ".join(where)} GROUP BY *'
        )
        known = {name for name, _ in scope.tags}
        return [_point(row, {n: v for n, v in tags.items() if n not in known}) for tags, rows in series for row in rows]


def _point(row: Mapping[str, Any], tags: Mapping[str, Any]) -> Point:
    fields = {name: value for name, value in row.items() if name != "time" and value is not None}
    return Point(int(row["time"]), tuple((name, str(tags[name])) for name in sorted(tags) if tags[name]), fields)


def _same(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return one.keys() == other.keys() and all(one[name] == other[name] for name in one)


def _literal(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value.translate(_FOR_TEXT)}"'
    return f"{value}i" if isinstance(value, int) else repr(value)
