"""``kado beamlines``: each beamline's hours beside the machine's, on the day of `seeded_ring`."""

import re
from pathlib import Path

from command_line import Kado
from seeded_ring import DAY, UNKNOWN_S

H = 3600


def test_each_beamline_has_its_own_user_time_and_shutter(seeded: Kado) -> None:
    document = seeded("beamlines", "--period", DAY, "--format", "json").document
    assert document["machine_s"]["user_time"] == 24 * H
    morning, afternoon, unrecorded = document["beamlines"]
    assert (morning["id"], morning["tag"]) == ("bl02u", "BL02U")
    assert morning["machine_s"] == {
        "user_time": 12 * H, "delivered": 10.5 * H - UNKNOWN_S, "no_beam": 1.5 * H, "unknown": UNKNOWN_S,
    }  # fmt: skip
    # Its shutter was permitted all morning, beam or not.
    assert morning["shutter_s"] == {
        "open": 12 * H, "closed": 0, "unknown": 0, "open_with_beam": 10.5 * H - UNKNOWN_S,
    }  # fmt: skip
    assert afternoon["shutter_s"] == {
        "open": 12 * H - 300, "closed": 300, "unknown": 0, "open_with_beam": 12 * H - 300,
    }  # fmt: skip
    # Without a tag it has the machine's own user time.
    assert unrecorded["machine_s"] == {n: document["machine_s"][n] for n in unrecorded["machine_s"]}
    assert unrecorded["shutter_s"] is None


def test_people_see_the_machine_in_the_first_row(seeded: Kado) -> None:
    out = seeded("beamlines", "--period", DAY).out
    assert "SIMULATED" in out
    assert re.search(r"accelerator +24\.00 +22\.18 +93\.7", out)
    assert re.search(r"bl02u +12\.00 +10\.18 +87\.2 +12\.00 +10\.18 +0\.00", out)
    assert re.search(r"BL08W +12\.00 +12\.00 +100\.0 +11\.92 +11\.92 +0\.00", out)


def test_a_profile_without_beamlines_says_what_to_add(kado: Kado) -> None:
    kado("init", "--facility", "nanoterasu")
    answer = kado("beamlines", "--period", DAY)
    assert (answer.exit_code, answer.out) == (2, "")
    assert "lists no beamlines: add [[beamline]] tables" in answer.err


LINK_OUTAGE = """
id = "link_outage"
title = { en = "Link lost", ja = "通信断" }
period = { from = 2026-10-05T00:00:00+09:00, to = 2026-10-08T00:00:00+09:00 }

[[fault]]
cause = "network"
effect = "link_outage"
at = [2026-10-06T13:00:00+09:00]
length_s = 1200
"""


def test_shutters_of_simulated_history_are_known_again_after_an_outage_of_the_link(kado: Kado) -> None:
    kado("init")
    Path("link_outage.toml").write_text(LINK_OUTAGE)
    answer = kado("simulate", "--scenario", "link_outage.toml")
    assert answer.exit_code == 0, answer.err
    document = kado(
        "beamlines", "--period", "2026-10-05T00:00+09:00/2026-10-08T00:00+09:00", "--format", "json"
    ).document
    unknown_s = [line["shutter_s"]["unknown"] for line in document["beamlines"]]
    # Unknown from when the link was lost to the shutter's next report: after the outage, each hour at the latest.
    assert all(1200 - 60 <= s <= 3600 for s in unknown_s), unknown_s
