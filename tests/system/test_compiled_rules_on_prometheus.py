"""Each row of the mapping to Prometheus on a real one that scrapes: compiled rules over what kado exposes.

What happened is read from the evaluations that Prometheus kept, at their own times: nothing depends on how fast the
machine is.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby

import pytest

from dashboards.rules.compiled import Compiled, compile_rules
from dashboards.rules.rule import Alert, Group, Recording, rule_file
from dashboards.rules.service import watchdog_group
from facility.alarms.rules import AlarmRules
from facility.alarms.series import SeriesTable
from facility.profile import load_profile
from servers import Server
from watchers import Exposed, Prometheus

PROFILE = load_profile("nanoterasu_sim")
TABLE = SeriesTable.of(PROFILE, {"ring": [s.id for s in PROFILE.signals]})
F = 'facility="nanoterasu_sim"'
FIGURE = 'definition="nanoterasu",period="run",name="mtbf_h"'
HIGH = '{ kind = "limit", signal = "vacuum_pressure", above = 500.0 }'
LOST = '{ kind = "limit", signal = "stored_current", below = 10.0 }'
BAND = '{ kind = "limit", signal = "orbit_x_rms", above = 500.0, ends_below = 300.0 }'
MANY = '{ kind = "limit", signal = "ion_chamber", above = 10.0 }'
SHORT = '{ kind = "limit", signal = "beam_lifetime", below = 4.0 }'
RULES = {
    "strict": HIGH,
    "named": '{ kind = "limit", signal = "stored_current", below = "minimum" }',
    "word": '{ kind = "state", signal = "machine_mode", words = ["study", "tuning"] }',
    "silent": '{ kind = "stale", signal = "stored_current", after_s = 15.0 }',
    "nothing": '{ kind = "no_data", signal = "stored_current", after_s = 15.0 }',
    "fact": '{ kind = "limit", fact = "ledger_difference", above = 0.0, below = 0.0 }',
    "held": '{ kind = "state", fact = "forwarder_state", words = ["holding"] }',
    "figure": '{ kind = "limit", figure = "mtbf_h", period = "run", below = 5.0 }',
    "band": BAND,
    "band_off": BAND + "\noff_delay_s = 1.0",
    "falling": '{ kind = "rate", signal = "rf_voltage", window_s = 2.0, below = -0.2 }',
    "both": f'{{ kind = "all", of = [{HIGH}, {LOST}] }}',
    "either": f'{{ kind = "any", of = [{HIGH}, {LOST}] }}',
    "neither": f'{{ kind = "not", of = {HIGH} }}',
    "planned": SHORT + '\nin_plan = ["user", "reserve"]\non_delay_s = 2.0',
    "moded": SHORT + '\nin_mode = ["user"]',
    "waits": MANY + "\non_delay_s = 3.0",
    "keeps": MANY + "\noff_delay_s = 3.0",
}
QUIET: dict[str, float | str | None] = {
    "stored_current": 200.0, "vacuum_pressure": 100.0, "beam_lifetime": 9.0, "ion_chamber": 1.0, "orbit_x_rms": 1.0,
    "rf_voltage": 3.0, "mode": "user", "plan": "user", "good_age": -9e5, "age": -9e5, "ledger": 0.0, "forwarder":
    "forwarding", "mtbf": 100.0, "minimum": 10.0, "stalled_s": 0.0, "oldest_s": 0.0,
}  # fmt: skip


def compiled() -> Compiled:
    text = "".join(
        f"""
[[alarm]]
id = "{name}"
title = {{ en = "Tried", ja = "試験" }}
priority = "high"
class = "beam"
consequence = {{ en = "c", ja = "c" }}
action = {{ en = "a", ja = "a" }}
respond_within_s = 900.0
when = {when}
"""
        for name, when in RULES.items()
    )
    return compile_rules(AlarmRules.parse(text, TABLE).rules, PROFILE)


class Watched:
    """A Prometheus over metrics that change step by step, and what its evaluations gave."""

    def __init__(self, prometheus: Prometheus, here: Exposed, there: Exposed) -> None:
        self.prometheus = prometheus
        self.here, self.there = here, there
        """The address of kado, and another one."""
        self._step = 0

    def show(self, **changed: float | str | None) -> int:
        """Expose what is quiet but for these values; return the step, once it was evaluated."""
        self._step += 1
        self.here.text = text_of({**QUIET, **changed}, self._step)
        self.prometheus.wait_for(f"seen == {self._step}")
        return self._step

    def rest(self) -> None:
        """Wait until nothing fires or is about to."""
        self.show()
        self.prometheus.wait_for('absent(ALERTS{alertname!="neither"})')

    def fires(self, alert: str) -> None:
        """Wait until an alert fires."""
        self.prometheus.wait_for(f'ALERTS{{alertname="{alert}",alertstate="firing"}}')

    def evaluations(self, step: int) -> list[float]:
        """Return the times of all evaluations that saw a step."""
        return [at for at, value in self._history("seen") if value == step]

    def states(self, alert: str, since: float) -> list[tuple[float, str]]:
        """Return (time, state) of each evaluation from a time on at which an alert was pending or fired."""
        found = [
            (at, state)
            for state in ("pending", "firing")
            for at, _ in self._history(f'ALERTS{{alertname="{alert}",alertstate="{state}"}}')
        ]
        return sorted((at, state) for at, state in found if at >= since)

    def firing(self, step: int) -> set[str]:
        """Return the alerts that fired at the first evaluation that saw a step."""
        at = self.evaluations(step)[0]
        return {name for name in RULES if (at, "firing") in self.states(name, at)}

    def unhealthy(self) -> dict[str, str]:
        """Return the rules whose last evaluation failed, each with the error."""
        with urllib.request.urlopen(f"{self.prometheus.url}/api/v1/rules", timeout=120) as answer:
            groups = json.loads(answer.read())["data"]["groups"]
        return {
            rule["name"]: rule["lastError"] for group in groups for rule in group["rules"] if rule["health"] == "err"
        }

    def _history(self, selector: str) -> list[tuple[float, float]]:
        found = self.prometheus.query(f"{selector}[30m]")
        return [(float(at), float(value)) for series in found for at, value in series["values"]]


def text_of(shown: dict[str, float | str | None], step: int) -> str:
    """Write metrics as kado exposes them; None: there is no such series."""
    now = time.time()

    def signal(name: str) -> tuple[str, float | str | None]:
        return f'kado_signal_value{{{F},signal="{name}"}}', shown[name]

    rows: list[tuple[str, float | str | None]] = [
        *(signal(name) for name in QUIET if any(s.id == name for s in PROFILE.signals)),
        *(
            (f'kado_signal_state{{{F},signal="machine_mode",word="{word}"}}', float(word == shown["mode"]))
            for word in ("user", "study", "tuning")
            if shown["mode"] is not None
        ),
        *((f'kado_plan{{{F},category="{c}"}}', float(c == shown["plan"])) for c in ("user", "reserve", "shutdown")),
        *((f'kado_forwarder_state{{{F},state="{s}"}}', float(s == shown["forwarder"])) for s in ("holding", "idle")),
        (f'kado_signal_good_timestamp_seconds{{{F},signal="stored_current"}}', now - float(shown["good_age"] or 0.0)),
        (f'kado_signal_timestamp_seconds{{{F},signal="stored_current"}}', now - float(shown["age"] or 0.0)),
        (f"kado_ledger_difference_samples{{{F}}}", shown["ledger"]),
        (f"kado_figure{{{F},{FIGURE}}}", shown["mtbf"]),
        (f'kado_limit{{{F},limit="minimum"}}', shown["minimum"]),
        (f"kado_alarm_position_timestamp_seconds{{{F}}}", now - float(shown["stalled_s"] or -9e5)),
        (f'kado_notification_oldest_seconds{{{F},target="control_room"}}', shown["oldest_s"]),
        (f"kado_build_info{{{F}}}", 1.0),
        ("kado_test_step", float(step)),
    ]
    return "".join(f"{name} {value}\n" for name, value in rows if value is not None)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    # In one group rules are evaluated one after the other, for one time: who saw the step saw all the rest of it.
    rules = (*compiled().alerts, Recording("seen", "max(kado_test_step)"))
    watchdogs = [replace(alert, lasts="1s") for alert in watchdog_group().rules if isinstance(alert, Alert)]
    text = rule_file([Group("kado-alarms", "1s", rules), Group("kado-watchdog", "1s", watchdogs)], [], "docs")
    with Exposed() as here, Exposed() as there:
        here.text = text_of(QUIET, 0)
        prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), f"{here.address} {there.address}", rules=text)
        prometheus.start()
        try:
            yield Watched(prometheus, here, there)
        finally:
            prometheus.stop()


@pytest.fixture
def watched(shared: Watched, servers: list[Server]) -> Watched:
    servers.append(shared.prometheus)
    shared.there.text = "nothing_of_kado 1\n"
    shared.rest()
    return shared


def test_plain_conditions_are_as_in_kado_on_the_grid(watched: Watched) -> None:
    calm = watched.show(vacuum_pressure=500.0, stored_current=10.0, minimum=10.0, good_age=0.0, ledger=0.0, mtbf=5.0)
    assert watched.firing(calm) == {"neither"}
    for changed, expected in (
        ({"vacuum_pressure": 500.001}, {"strict", "either"}),
        ({"stored_current": 9.9, "vacuum_pressure": 501.0}, {"strict", "named", "both", "either"}),
        ({"minimum": 250.0}, {"named", "neither"}),
        ({"mode": "study"}, {"word", "neither"}),
        ({"good_age": 20.0}, {"silent", "neither"}),
        ({"age": 20.0, "good_age": 20.0}, {"silent", "nothing", "neither"}),
        ({"ledger": -1.0, "forwarder": "holding"}, {"fact", "held", "neither"}),
        ({"mtbf": 4.9}, {"figure", "neither"}),
    ):
        step = watched.show(**changed)
        assert watched.firing(step) == expected
    assert watched.firing(watched.show()) == {"neither"}


def test_unknown_counts_as_false_and_an_alert_goes_with_its_series(watched: Watched) -> None:
    assert watched.firing(watched.show(vacuum_pressure=600.0)) == {"strict", "either"}
    assert watched.firing(watched.show(vacuum_pressure=None, mtbf=None)) == {"neither"}
    assert watched.firing(watched.show(vacuum_pressure=None, stored_current=5.0)) == {"named", "either", "neither"}


def test_the_deadband_holds_what_fires_and_is_left_out_beside_an_off_delay(watched: Watched) -> None:
    steps = [watched.show(orbit_x_rms=value) for value in (400.0, 600.0, 400.0, 300.0, 400.0)]
    assert [("band" in watched.firing(step)) for step in steps] == [False, True, True, False, False]
    # Its own off-delay ends it below 500, whatever the deadband.
    watched.show(orbit_x_rms=600.0)
    watched.show(orbit_x_rms=400.0)
    watched.prometheus.wait_for('absent(ALERTS{alertname="band_off"})')
    assert watched.prometheus.query('ALERTS{alertname="band"}')


def test_a_rate_is_the_difference_over_its_window(watched: Watched) -> None:
    falls = watched.show(rf_voltage=1.0)
    watched.fires("falling")
    # It ends by itself, once the window holds the new value only.
    watched.prometheus.wait_for('absent(ALERTS{alertname="falling"})')
    seen = watched.evaluations(falls)
    states = watched.states("falling", seen[0])
    assert {state for _, state in states} == {"firing"}
    assert states[-1][0] - states[0][0] <= 3.0


def test_an_on_delay_counts_from_the_first_evaluation_and_starts_anew_after_one_missing_scrape(
    watched: Watched,
) -> None:
    begins = watched.show(ion_chamber=20.0)
    watched.fires("waits")
    first = watched.evaluations(begins)[0]
    states = watched.states("waits", first)
    fired = next(at for at, state in states if state == "firing")
    assert states[0] == (first, "pending")
    assert fired - first >= 3.0
    assert all(at < fired or state == "firing" for at, state in states)
    watched.here.text = ""
    watched.prometheus.wait_for("absent(seen)")
    again = watched.show(ion_chamber=20.0)
    watched.fires("waits")
    back = watched.evaluations(again)[0]
    states = watched.states("waits", back)
    assert states[0] == (back, "pending")
    assert next(at for at, state in states if state == "firing") - back >= 3.0


def test_an_off_delay_counts_from_the_first_evaluation_that_is_false(watched: Watched) -> None:
    watched.show(ion_chamber=20.0)
    over = watched.show()
    watched.prometheus.wait_for('absent(ALERTS{alertname="keeps"})')
    first = watched.evaluations(over)[0]
    kept = watched.states("keeps", first)
    assert kept[0] == (first, "firing")
    assert kept[-1][0] - first < 3.0


def test_the_plan_arms_a_rule_and_its_delay_starts_anew_there(watched: Watched) -> None:
    idle = watched.show(beam_lifetime=3.0, plan="shutdown")
    assert "planned" not in watched.firing(idle)
    armed = watched.show(beam_lifetime=3.0, plan="reserve")
    watched.fires("planned")
    first = watched.evaluations(armed)[0]
    states = watched.states("planned", watched.evaluations(idle)[0])
    assert states[0] == (first, "pending")
    assert next(at for at, state in states if state == "firing") - first >= 2.0


def test_another_mode_suppresses_and_an_unknown_one_does_not(watched: Watched) -> None:
    steps = [watched.show(beam_lifetime=3.0, mode=mode) for mode in ("user", "study", None)]
    assert [("moded" in watched.firing(step)) for step in steps] == [True, False, True]


def test_a_delay_under_ten_minutes_starts_anew_when_prometheus_does(watched: Watched) -> None:
    before = watched.show(ion_chamber=20.0)
    watched.fires("waits")
    watched.prometheus.restart()
    watched.show(ion_chamber=20.5)
    watched.fires("waits")
    states = [state for _, state in watched.states("waits", watched.evaluations(before)[0])]
    assert [state for state, _ in groupby(states)] == ["pending", "firing", "pending", "firing"]


def test_rules_that_name_a_limit_are_evaluated_while_kado_moves_to_another_address(watched: Watched) -> None:
    watched.show(stored_current=5.0)
    watched.there.text = watched.here.text
    watched.prometheus.wait_for("count(kado_limit) == 2")
    both = watched.show(stored_current=5.0)
    assert "named" in watched.firing(both)
    assert watched.unhealthy() == {}
    # The first one stops; the second goes on.
    watched.here.text = ""
    watched.prometheus.wait_for("count(kado_limit) == 1")
    watched.prometheus.wait_for('count(ALERTS{alertname="named",alertstate="firing"}) == 1')
    assert watched.unhealthy() == {}


def test_only_prometheus_says_that_kado_is_down_its_alarms_stand_still_or_its_notifications_are_stuck(
    watched: Watched,
) -> None:
    watched.show(stalled_s=100.0, oldest_s=301.0)
    watched.fires("KadoAlarmsStalled")
    watched.fires("KadoNotificationsStuck")
    watched.here.text = ""
    watched.fires("KadoDown")
