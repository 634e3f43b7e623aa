"""What ``kado simulate --live`` adds to the machine that it lets out."""

import asyncio
from pathlib import Path

import pytest

from facility.profile import load_profile
from facility.source import LinkReport
from facility.time import NS_PER_S, parse_time
from kado.live.simulation import live_items
from simulators.feed import Feed
from simulators.machine import Machine
from simulators.scenario import load_scenario

BEGAN = parse_time("2026-11-10T10:00:00+09:00")
OUTAGE = """
id = "no_link"
title = { en = "No link", ja = "切断" }

[[fault]]
cause = "network"
effect = "link_outage"
at = [2026-11-10T10:00:00+09:00]
length_s = 60
"""


@pytest.mark.parametrize(
    ("start_s", "expected"),
    [
        # Noticed 15 s after the last sample: its hold of 10 s, and 5 s.
        (-30, [(15, "down")]),
        (10, [(15, "down"), (60, "up")]),
        (30, [(30, "down"), (60, "up")]),
        (60, [(60, "up")]),
    ],
)
def test_who_starts_while_the_link_is_lost_is_told_so_at_once(
    tmp_path: Path, start_s: int, expected: list[tuple[int, str]]
) -> None:
    scenario = tmp_path / "no_link.toml"
    scenario.write_text(OUTAGE, encoding="utf-8")
    machine = Machine(load_profile("nanoterasu_sim"), load_scenario(str(scenario)))
    start, end = BEGAN + start_s * NS_PER_S, BEGAN + (start_s + 60) * NS_PER_S

    async def reports() -> list[LinkReport]:
        feed = Feed(machine, lambda: end, start_ns=start, end_ns=end)
        return [item async for item in live_items(feed, machine) if isinstance(item, LinkReport)]

    assert [((r.time_ns - BEGAN) // NS_PER_S, r.state) for r in asyncio.run(reports())] == expected
