"""A seeded part of `make chaos`: kills, servers that misbehave, a full disk, one flipped bit in each kind of file."""

from chaos import run
from servers import require


def test_nothing_is_lost_doubled_or_changed_without_a_word() -> None:
    require("mosquitto")
    require("influxd")
    rows = run(2, 4, 20261126, print)
    assert len(rows) >= 14, "a row is missing"
    assert [row for row in rows if row.lost or row.doubled or row.silent] == []
    assert all(row.samples for row in rows)
