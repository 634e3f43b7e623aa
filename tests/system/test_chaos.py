"""A seeded part of `make chaos`: kills, a server that misbehaves, a full disk, one flipped bit in each kind of file."""

import pytest

from chaos import run


@pytest.mark.timeout(300)
def test_nothing_is_lost_doubled_or_changed_without_a_word() -> None:
    rows = run(2, 4, 20261126, print)
    assert len(rows) >= 9
    assert [row for row in rows if row.lost or row.doubled or row.silent] == []
    assert all(row.samples for row in rows)
