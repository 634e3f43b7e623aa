"""Each rule of the specification in a scenario of its own, edges a nanosecond to either side."""

import random
from typing import Any

import pytest

from alarm_cases import make
from alarm_runs import ALLOWED, calls_of, run_both
from analytics.alarms.scenarios import compare, parse, run
from facility.alarms import RefusalReason

NS = 1e-9
ON_Y = 'kind = "limit", signal = "y", above = 10.0'
OVER_7 = 'kind = "limit", signal = "x", above = 7.0'
OVER_20 = 'kind = "limit", signal = "x", above = 20.0'
OVER_8 = 'kind = "limit", signal = "x", above = 8.0'
BAND = 'kind = "limit", signal = "x", above = 10.0, ends_below = 8.0'
X = {"id": "x", "type": "number", "unit": "mA", "stale_after_s": 100}


def rule(name: str = "a", when: str = 'kind = "limit", signal = "x", above = 10.0', **more: Any) -> str:
    keys = {"priority": '"high"', "class": '"c"', "respond_within_s": 600, **more}
    text = '{ en = "t", ja = "t" }'
    lines = [f"title = {text}", f"consequence = {text}", f"action = {text}", f"when = {{ {when} }}"]
    lines += [f"{k} = {str(v).lower() if isinstance(v, bool) else v}" for k, v in keys.items()]
    return f'[[alarm]]\nid = "{name}"\n' + "\n".join(lines) + "\n"


def act(t: float, do: str, alarm: str = "a", **more: Any) -> dict[str, Any]:
    return {"t": t, "do": do, "alarm": alarm, "author": "mori", "reason": "r", **more}


def up(t: float = 0) -> list[Any]:
    return [t, "a", "unknown", "normal", "input_known"]


def raised(t: float, before: str = "normal") -> list[Any]:
    return [t, "a", before, "unacked", "raised"]


CASES: dict[str, dict[str, Any]] = {
    "an off-delay that is reached exactly has passed, a nanosecond less has not": {
        "rules": rule(off_delay_s=5),
        "samples": [[0, "x", 0], [10, "x", 11], [20, "x", 0], [25 - NS, "x", 11], [30, "x", 0], [35, "x", 11]],
        "expected": [up(), raised(10), [35, "a", "unacked", "rtn_unacked", "cleared"], raised(35, "rtn_unacked")],
    },
    "an on-delay that is a nanosecond short raises nothing": {
        "rules": rule(on_delay_s=5),
        "samples": [[0, "x", 0], [10, "x", 11], [15 - NS, "x", 0]],
        "expected": [up()],
    },
    "a hole exactly as long as the delay is bridged": {
        "rules": rule(on_delay_s=10),
        "signals": [{**X, "stale_after_s": 4}],
        "samples": [[0, "x", 0], [2, "x", 11], [16, "x", 11], [20, "x", 11], [24, "x", 0]],
        "expected": [
            up(),
            [6, "a", "normal", "unknown", "input_unknown"],
            [16, "a", "unknown", "normal", "input_known"],
            raised(22),
            [24, "a", "unacked", "rtn_unacked", "cleared"],
        ],
    },
    "a hole a nanosecond longer than the delay starts it anew": {
        "rules": rule(on_delay_s=10),
        "signals": [{**X, "stale_after_s": 4}],
        "samples": [[0, "x", 0], [2, "x", 11], [16 + NS, "x", 11], [20, "x", 11], [24, "x", 11], [28, "x", 0]],
        "expected": [
            up(),
            [6, "a", "normal", "unknown", "input_unknown"],
            [16 + NS, "a", "unknown", "normal", "input_known"],
            raised(26 + NS),
            [28, "a", "unacked", "rtn_unacked", "cleared"],
        ],
    },
    "a hold ends at its edge unless a sample has exactly that stamp": {
        "rules": rule(),
        "signals": [{**X, "stale_after_s": 10}],
        "samples": [[0, "x", 0], [10, "x", 0], [20 + NS, "x", 0]],
        "expected": [
            up(),
            [20, "a", "normal", "unknown", "input_unknown"],
            [20 + NS, "a", "unknown", "normal", "input_known"],
        ],
        "until": 25,
    },
    "a bad number is ignored, also at the stamp of a good one that it corrects": {
        "rules": rule(),
        "samples": [[0, "x", 0], [5, "x", 11, "bad"], [6, "x", "NaN"], [7, "x", 11], [7, "x", 11, "bad"]],
        "expected": [up()],
    },
    "uncertain counts as good, but not for a clock that is wrong": {
        "rules": rule(),
        "samples": [
            [0, "x", 0],
            [4, "x", 11, "bad"],
            [5, "x", 11, "uncertain", "clock"],
            [6, "x", 11, "uncertain", "limit"],
        ],
        "expected": [up(), raised(6)],
    },
    "a value above the physical maximum is not good, one at it is": {
        "rules": rule(),
        "signals": [{**X, "physical_max": 50}],
        "samples": [[0, "x", 0], [5, "x", 50.0001], [6, "x", 50]],
        "expected": [up(), raised(6)],
    },
    "a lost link ends holds that began before, and a sample stamped at that instant holds": {
        "rules": rule("a") + rule("b", 'kind = "limit", signal = "y", above = 10.0'),
        "signals": [
            {**X, "stale_after_s": None, "source": "ring"},
            {**X, "id": "y", "stale_after_s": None, "source": "ring"},
            {"id": "ring_link", "type": "state", "words": ["up", "down"]},
        ],
        "samples": [
            [0, "ring_link", "up"],
            [0, "x", 0],
            [0, "y", 0],
            [10, "ring_link", "down"],
            [10, "y", 0],
            [12, "ring_link", "up"],
            [20, "x", 0],
        ],
        "expected": [
            up(),
            [0, "b", "unknown", "normal", "input_known"],
            [10, "a", "normal", "unknown", "input_unknown"],
            [20, "a", "unknown", "normal", "input_known"],
        ],
        "until": 40,
    },
    "a link that is not heard for 30 s is lost; at 30 s exactly it is heard": {
        "rules": rule(),
        "signals": [{**X, "stale_after_s": None, "source": "ring"}, {"id": "ring_link", "type": "state"}],
        "samples": [[0, "ring_link", "up"], [0, "x", 0], [30, "ring_link", "up"]],
        "expected": [up(), [60, "a", "normal", "unknown", "input_unknown"]],
        "until": 70,
    },
    "a null fact makes its series unknown at once, and a fact holds three periods": {
        "rules": rule(when='kind = "limit", fact = "disk_free_pct", below = 10.0'),
        "signals": [{"id": "fact:disk_free_pct", "type": "fact"}],
        "samples": [[0, "fact:disk_free_pct", 50], [10, "fact:disk_free_pct", None], [20, "fact:disk_free_pct", 50]],
        "expected": [
            up(),
            [10, "a", "normal", "unknown", "input_unknown"],
            [20, "a", "unknown", "normal", "input_known"],
            [50, "a", "normal", "unknown", "input_unknown"],
        ],
        "until": 60,
    },
    "the memory of a deadband lives through unknown time": {
        "rules": rule(when='kind = "limit", signal = "x", above = 10.0, ends_below = 8.0'),
        "signals": [{**X, "stale_after_s": 5}],
        "samples": [[0, "x", 11], [20, "x", 9], [22, "x", 8]],
        "expected": [raised(0, "unknown"), [22, "a", "unacked", "rtn_unacked", "cleared"]],
        "until": 25,
    },
    "a limit of the facility that changes is compared again; without one the verdict is unknown": {
        "rules": rule(when='kind = "limit", signal = "x", below = "tolerance"'),
        "samples": [[0, "x", 100]],
        "limits": [[0, {"tolerance": 90.0}], [10, {"tolerance": 110.0}], [20, {"tolerance": None}]],
        "actions": [act(30, "ack")],
        "expected": [up(), raised(10), [30, "a", "unacked", "acked", "acknowledged"]],
        "until": 40,
    },
    "stale counts from the start where there was no sample; no_data counts bad ones": {
        "rules": rule("a", 'kind = "stale", signal = "x", after_s = 15.0')
        + rule("b", 'kind = "no_data", signal = "x", after_s = 15.0'),
        "samples": [[10, "x", 1, "bad"]],
        "expected": [
            [10, "b", "unknown", "normal", "input_known"],
            raised(15, "unknown"),
            [25, "b", "normal", "unacked", "raised"],
        ],
    },
    "unknown mode suppresses nothing, another mode does, and it passes on to nobody": {
        "rules": rule(in_mode='["user"]') + rule("b", inhibited_by='["a"]'),
        "signals": [X, {"id": "m", "type": "state", "words": ["user", "study"], "stale_after_s": 20}],
        "mode_signal": "m",
        "samples": [[0, "x", 11], [10, "m", "study"]],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "suppressed", "suppressed"],
            [10, "a", "unacked", "suppressed", "suppressed"],
            [10, "b", "suppressed", "unacked", "released"],
            [30, "a", "suppressed", "unacked", "released"],
            [30, "b", "unacked", "suppressed", "suppressed"],
        ],
        "until": 40,
    },
    "inhibition is passed on, and not by an alarm out of service": {
        "rules": rule() + rule("b", inhibited_by='["a"]') + rule("c", inhibited_by='["b"]'),
        "samples": [[0, "x", 11]],
        "actions": [act(10, "out", "b"), act(20, "in", "b")],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "suppressed", "suppressed"],
            [0, "c", "unknown", "suppressed", "suppressed"],
            [10, "b", "suppressed", "out_of_service", "taken_out"],
            [10, "c", "suppressed", "unacked", "released"],
            [20, "b", "out_of_service", "suppressed", "put_back"],
            [20, "c", "unacked", "suppressed", "suppressed"],
        ],
        "until": 30,
    },
    "re-alarm comes once, and counts anew from the next acknowledgement": {
        "rules": rule(realarm_after_s=10),
        "samples": [[0, "x", 11]],
        "actions": [act(5, "ack"), act(17, "ack"), act(20, "unack"), act(21, "ack")],
        "expected": [
            raised(0, "unknown"),
            [5, "a", "unacked", "acked", "acknowledged"],
            [15, "a", "acked", "unacked", "realarmed"],
            [17, "a", "unacked", "acked", "acknowledged"],
            [20, "a", "acked", "unacked", "unacknowledged"],
            [21, "a", "unacked", "acked", "acknowledged"],
            [31, "a", "acked", "unacked", "realarmed"],
        ],
        "until": 40,
    },
    "three raises within 60 s: a nanosecond less than 60 s apart is chattering, 60 s is not": {
        "rules": rule(),
        "signals": [{**X, "stale_after_s": 1000}],
        "samples": [
            [0, "x", 11],
            [1, "x", 0],
            [30, "x", 11],
            [31, "x", 0],
            [60, "x", 11],
            [61, "x", 0],
            [90 - NS, "x", 11],
            [91, "x", 0],
            [155, "x", 11],
            [156, "x", 0],
        ],
        "expected": [
            raised(0, "unknown"),
            [1, "a", "unacked", "rtn_unacked", "cleared"],
            raised(30, "rtn_unacked"),
            [31, "a", "unacked", "rtn_unacked", "cleared"],
            raised(60, "rtn_unacked"),
            [61, "a", "unacked", "rtn_unacked", "cleared"],
            raised(90 - NS, "rtn_unacked"),
            [151, "a", "unacked", "rtn_unacked", "cleared"],
            raised(155, "rtn_unacked"),
            [156, "a", "unacked", "rtn_unacked", "cleared"],
        ],
        "until": 160,
    },
    "a shelf hides what comes and goes; unshelved is acknowledged; once ends with the alarm": {
        "rules": rule(chatter_count=0),
        "samples": [[0, "x", 0], [10, "x", 11], [15, "x", 0], [30, "x", 11], [50, "x", 0], [60, "x", 11], [65, "x", 0]],
        "actions": [
            act(5, "shelve", until=20),
            act(25, "shelve", until=90),
            act(40, "unshelve"),
            act(55, "shelve", until=90, once=True),
        ],
        "expected": [
            up(),
            [5, "a", "normal", "shelved", "shelved"],
            [20, "a", "shelved", "normal", "shelf_expired"],
            [25, "a", "normal", "shelved", "shelved"],
            [40, "a", "shelved", "acked", "unshelved"],
            [50, "a", "acked", "normal", "cleared"],
            [55, "a", "normal", "shelved", "shelved"],
            [65, "a", "shelved", "normal", "shelf_done"],
        ],
        "until": 100,
    },
    "an alarm that clears at an instant is over before a shelf ends or a person acknowledges there": {
        "rules": rule(latch=False) + rule("b", latch=False),
        "samples": [[0, "x", 11], [20, "x", 0]],
        "actions": [act(10, "shelve", until=20), act(20, "ack", "b")],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "unacked", "raised"],
            [10, "a", "unacked", "shelved", "shelved"],
            [20, "b", "unacked", "normal", "cleared"],
            [20, "a", "shelved", "normal", "shelf_expired"],
        ],
        "refusals": [[20, "b", "ack", "nothing_to_acknowledge"]],
        "until": 30,
    },
    "an acknowledgement of what is over leads to unknown where the input is unknown": {
        "rules": rule(),
        "signals": [{**X, "stale_after_s": 5}],
        "samples": [[0, "x", 11], [5, "x", 0]],
        "actions": [act(12, "ack")],
        "expected": [
            raised(0, "unknown"),
            [5, "a", "unacked", "rtn_unacked", "cleared"],
            [12, "a", "rtn_unacked", "unknown", "acknowledged"],
        ],
    },
    "rules that go take what is on the list with them, in the order of the alarms": {
        "rules": "".join(rule(name) for name in "abcd"),
        "samples": [[0, "x", 0], [5, "x", 11], [20, "x", 0]],
        "actions": [
            act(6, "ack", "a"),
            act(7, "shelve", "b", until=40),
            act(8, "out", "c"),
            act(9, "shelve", until=40),
            act(21, "unshelve"),
        ],
        "reloads": [{"t": 25, "rules": rule("z")}],
        "expected": [
            *([0, name, "unknown", "normal", "input_known"] for name in "abcd"),
            *([5, name, "normal", "unacked", "raised"] for name in "abcd"),
            [6, "a", "unacked", "acked", "acknowledged"],
            [7, "b", "unacked", "shelved", "shelved"],
            [8, "c", "unacked", "out_of_service", "taken_out"],
            [9, "a", "acked", "shelved", "shelved"],
            [20, "d", "unacked", "rtn_unacked", "cleared"],
            [21, "a", "shelved", "normal", "unshelved"],
            [25, "b", "shelved", "normal", "rule_removed"],
            [25, "c", "out_of_service", "normal", "rule_removed"],
            [25, "d", "rtn_unacked", "normal", "rule_removed"],
            [25, "z", "unknown", "normal", "input_known"],
        ],
    },
    "rules that change: another condition judges at once, a rule that goes leaves the list": {
        "rules": rule() + rule("b"),
        "samples": [[0, "x", 11]],
        "reloads": [{"t": 10, "rules": rule(when='kind = "limit", signal = "x", above = 20.0')}],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "unacked", "raised"],
            [10, "b", "unacked", "normal", "rule_removed"],
            [10, "a", "unacked", "rtn_unacked", "cleared"],
        ],
        "until": 20,
    },
    "a restart keeps acknowledgements; what fell due is due where it is up again; nothing in the hole": {
        "modes": ["live"],
        "rules": rule(realarm_after_s=10) + rule("b") + rule("s", 'kind = "stale", signal = "x", after_s = 20.0'),
        "samples": [[0, "x", 11], [22, "x", 11], [40, "x", 11]],
        "actions": [act(5, "ack"), act(6, "shelve", "b", until=20)],
        "restarts": [{"down": 10, "up": 30, "backlog": True}],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "unacked", "raised"],
            [0, "s", "unknown", "normal", "input_known"],
            [5, "a", "unacked", "acked", "acknowledged"],
            [6, "b", "unacked", "shelved", "shelved"],
            [30, "b", "shelved", "unacked", "shelf_expired"],
            [30, "a", "acked", "unacked", "realarmed"],
        ],
        "until": 45,
    },
    "without a recorded link a source is never cut; a value sent on change holds": {
        "rules": rule(),
        "signals": [{**X, "stale_after_s": None, "source": "ring"}],
        "samples": [[0, "x", 0]],
        "expected": [up()],
        "until": 200,
    },
    "a figure holds for three of its periods": {
        "rules": rule(when='kind = "limit", figure = "availability_pct", period = "month", below = 10.0'),
        "samples": [[0, "figure:availability_pct:month", 50]],
        "expected": [up(), [180, "a", "normal", "unknown", "input_unknown"]],
        "until": 200,
    },
    "a limit on both sides is true beyond either and over between the two ends": {
        "rules": rule(
            when='kind = "limit", signal = "x", above = 10.0, ends_below = 8.0, below = 2.0, ends_above = 3.0'
        ),
        "samples": [[0, "x", 5], [10, "x", 1], [11, "x", 2.5], [12, "x", 9], [13, "x", 11], [14, "x", 9], [15, "x", 3]],
        "expected": [up(), raised(10), [15, "a", "unacked", "rtn_unacked", "cleared"]],
    },
    "what comes within the settling time is in its order, and each row bears its own stamp": {
        "modes": ["live"],
        "rules": rule(),
        "settle_s": 2,
        "samples": [
            [0, "x", 0],
            {"t": 10, "series": "x", "value": 11, "arrives": 11.9},
            {"t": 11, "series": "x", "value": 0, "arrives": 11},
        ],
        "expected": [up(), raised(10), [11, "a", "unacked", "rtn_unacked", "cleared"]],
    },
    "a sample that comes before its time waits for it": {
        "rules": rule(),
        "samples": [[0, "x", 0], {"t": 20, "series": "x", "value": 11, "arrives": 5}],
        "expected": [up(), raised(20)],
    },
    "a late sample of the newest stamp corrects it, and a bad one takes it back": {
        "modes": ["live"],
        "tick_matters": True,
        "rules": rule(),
        "samples": [
            [0, "x", 0],
            [5, "x", 0],
            {"t": 5, "series": "x", "value": 11, "arrives": 8},
            {"t": 5, "series": "x", "value": 11, "quality": "bad", "arrives": 12},
        ],
        "actions": [act(10, "ack"), act(20, "out"), act(21, "in")],
        "expected": [
            up(),
            raised(7),
            [10, "a", "unacked", "acked", "acknowledged"],
            [20, "a", "acked", "out_of_service", "taken_out"],
            [21, "a", "out_of_service", "unknown", "put_back"],
        ],
    },
    "shown is the first word that fits: out of service, suppressed, shelved, then the alarm": {
        "rules": rule(in_plan='["user"]'),
        "samples": [[0, "x", 11]],
        "plan": [[0, 10, "user"], [30, 40, "user"]],
        "actions": [act(5, "shelve", until=35), act(15, "out"), act(20, "in"), act(22, "shelve", until=35)],
        "expected": [
            raised(0, "unknown"),
            [5, "a", "unacked", "shelved", "shelved"],
            [10, "a", "shelved", "suppressed", "suppressed"],
            [15, "a", "suppressed", "out_of_service", "taken_out"],
            [20, "a", "out_of_service", "suppressed", "put_back"],
            [30, "a", "suppressed", "shelved", "released"],
            [35, "a", "shelved", "unacked", "shelf_expired"],
            [40, "a", "unacked", "suppressed", "suppressed"],
        ],
    },
    "a hole longer than the off-delay starts it again, one exactly as long does not": {
        "rules": rule(off_delay_s=5) + rule("b", ON_Y, off_delay_s=5),
        "signals": [{**X, "stale_after_s": 2}, {**X, "id": "y", "stale_after_s": 2}],
        "samples": [
            [0, "x", 11],
            [0, "y", 11],
            [1, "x", 0],
            [1, "y", 0],
            [8, "x", 0],
            [8 + NS, "y", 0],
            *([t, "x", 0] for t in (10, 12, 14)),
            *([t, "y", 0] for t in (10, 12, 14)),
        ],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "unacked", "raised"],
            [11, "a", "unacked", "rtn_unacked", "cleared"],
            [13 + NS, "b", "unacked", "rtn_unacked", "cleared"],
        ],
        "until": 15,
    },
    "an alarm inhibits from pending until it has cleared, on the shelf as well": {
        "rules": rule(on_delay_s=5, off_delay_s=5) + rule("b", inhibited_by='["a"]'),
        "samples": [[0, "x", 0], [10, "x", 11], [20, "x", 0], [23, "x", 11], [30, "x", 0]],
        "actions": [act(16, "shelve", until=50)],
        "expected": [
            up(),
            [0, "b", "unknown", "normal", "input_known"],
            [10, "b", "normal", "suppressed", "suppressed"],
            raised(15),
            [16, "a", "unacked", "shelved", "shelved"],
            [35, "b", "suppressed", "normal", "released"],
        ],
        "until": 45,
    },
    "inhibition that ends starts the on-delay again, so that what clears later does not flash up": {
        "rules": rule() + rule("b", ON_Y, on_delay_s=3, inhibited_by='["a"]'),
        "signals": [X, {**X, "id": "y"}],
        "samples": [[0, "x", 0], [0, "y", 11], [2, "x", 11], [10, "x", 0], [13 - NS, "y", 0], [20, "y", 11]],
        "expected": [
            up(),
            [0, "b", "unknown", "normal", "input_known"],
            raised(2),
            [2, "b", "normal", "suppressed", "suppressed"],
            [10, "a", "unacked", "rtn_unacked", "cleared"],
            [10, "b", "suppressed", "normal", "released"],
            [23, "b", "normal", "unacked", "raised"],
        ],
    },
    "a shelf, suppression and the end of the alarm each cancel the re-alarm": {
        "rules": "".join(rule(n, realarm_after_s=10) for n in "ab")
        + rule("c", realarm_after_s=10, in_plan='["user"]')
        + rule("d", ON_Y, realarm_after_s=10),
        "signals": [X, {**X, "id": "y"}],
        "samples": [[0, "x", 11], [0, "y", 11], [14, "y", 0]],
        "plan": [[0, 12, "user"]],
        "actions": [
            *(act(5, "ack", n) for n in "abcd"),
            act(6, "shelve", until=9),
            act(10, "shelve", "b", until=40),
            act(20, "unshelve", "b"),
        ],
        "expected": [
            raised(0, "unknown"),
            *([0, n, "unknown", "unacked", "raised"] for n in "bcd"),
            *([5, n, "unacked", "acked", "acknowledged"] for n in "abcd"),
            [6, "a", "acked", "shelved", "shelved"],
            [9, "a", "shelved", "unacked", "shelf_expired"],
            [10, "b", "acked", "shelved", "shelved"],
            [12, "c", "acked", "suppressed", "suppressed"],
            [14, "d", "acked", "normal", "cleared"],
            [20, "b", "shelved", "acked", "unshelved"],
            [30, "b", "acked", "unacked", "realarmed"],
        ],
        "until": 35,
    },
    "raises on the shelf count for chattering; suppression and out of service forget them": {
        "rules": "".join(rule(n) for n in "ab") + rule("c", in_plan='["user"]'),
        "samples": [[t, "x", 0 if t % 2 else 11] for t in range(8)],
        "plan": [[0, 3, "user"], [4, 90, "user"]],
        "actions": [act(1, "shelve", until=4.5), act(3, "out", "b"), act(3.5, "in", "b")],
        "expected": [
            raised(0, "unknown"),
            *([0, n, "unknown", "unacked", "raised"] for n in "bc"),
            *([1, n, "unacked", "rtn_unacked", "cleared"] for n in "abc"),
            [1, "a", "rtn_unacked", "shelved", "shelved"],
            *([2, n, "rtn_unacked", "unacked", "raised"] for n in "bc"),
            *([3, n, "unacked", "rtn_unacked", "cleared"] for n in "b"),
            [3, "c", "unacked", "suppressed", "suppressed"],
            [3, "b", "rtn_unacked", "out_of_service", "taken_out"],
            [3.5, "b", "out_of_service", "normal", "put_back"],
            [4, "b", "normal", "unacked", "raised"],
            [4, "c", "suppressed", "unacked", "released"],
            [4.5, "a", "shelved", "unacked", "shelf_expired"],
            *([5, n, "unacked", "rtn_unacked", "cleared"] for n in "bc"),
            *([6, n, "rtn_unacked", "unacked", "raised"] for n in "bc"),
            *([7, n, "unacked", "rtn_unacked", "cleared"] for n in "bc"),
            [67, "a", "unacked", "rtn_unacked", "cleared"],
        ],
        "signals": [{**X, "stale_after_s": 1000}],
        "until": 80,
    },
    "actions of one instant are done in their order, each with what the one before it changed": {
        "rules": rule() + rule("b", inhibited_by='["a"]'),
        "samples": [[0, "x", 11]],
        "actions": [act(5, "ack"), act(5, "unack"), act(5, "out"), act(5, "ack", "b"), act(5, "in")],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "suppressed", "suppressed"],
            [5, "a", "unacked", "acked", "acknowledged"],
            [5, "a", "acked", "unacked", "unacknowledged"],
            [5, "a", "unacked", "out_of_service", "taken_out"],
            [5, "b", "suppressed", "unacked", "released"],
            [5, "b", "unacked", "acked", "acknowledged"],
            [5, "a", "out_of_service", "unacked", "put_back"],
            [5, "b", "acked", "suppressed", "suppressed"],
        ],
    },
    "a shelf may last exactly as long as allowed, no nanosecond longer, not to now, and again gets a new limit": {
        "rules": rule(shelve_max_h=0.01),
        "samples": [[0, "x", 11]],
        "actions": [
            act(5, "shelve", until=5),
            act(5, "shelve", until=41 + NS),
            act(5, "shelve"),
            act(5, "shelve", until=41),
            act(6, "shelve", until=7),
        ],
        "expected": [
            raised(0, "unknown"),
            [5, "a", "unacked", "shelved", "shelved"],
            [7, "a", "shelved", "unacked", "shelf_expired"],
        ],
        "refusals": [
            [5, "a", "shelve", "until_is_past"],
            [5, "a", "shelve", "longer_than_allowed"],
            [5, "a", "shelve", "until_is_past"],
        ],
    },
    "a jump of the clock ahead is time without samples: silence comes, no limit is raised": {
        "modes": ["live"],
        "rules": rule(on_delay_s=50) + rule("s", 'kind = "stale", signal = "x", after_s = 20.0'),
        "samples": [{"t": 0, "series": "x", "value": 11, "in_call": 1}],
        "signals": [{**X, "stale_after_s": 10}],
        "calls": [1, 1000],
        "expected": [
            up(),
            [0, "s", "unknown", "normal", "input_known"],
            [10, "a", "normal", "unknown", "input_unknown"],
            [20, "s", "normal", "unacked", "raised"],
        ],
        "until": 1000,
    },
    "rules of the same condition change without a reset, and their delays hold from there on": {
        "rules": rule(on_delay_s=100) + rule("b", ON_Y, off_delay_s=100) + rule("c"),
        "signals": [X, {**X, "id": "y"}],
        "samples": [[0, "x", 0], [0, "y", 11], [5, "x", 11], [8, "y", 0]],
        "actions": [act(6, "ack", "c")],
        "reloads": [
            {"t": 10, "rules": rule(on_delay_s=20) + rule("b", ON_Y, off_delay_s=2) + rule("c", realarm_after_s=30)}
        ],
        "expected": [
            up(),
            [0, "b", "unknown", "unacked", "raised"],
            [0, "c", "unknown", "normal", "input_known"],
            [5, "c", "normal", "unacked", "raised"],
            [6, "c", "unacked", "acked", "acknowledged"],
            [10, "b", "unacked", "rtn_unacked", "cleared"],
            raised(25),
            [36, "c", "acked", "unacked", "realarmed"],
        ],
    },
    "another condition lets pending be idle and active stay, only the deadband of the latter remembering true": {
        "rules": rule(when=OVER_8, on_delay_s=30) + rule("b", OVER_8) + rule("d", OVER_8, on_delay_s=30),
        "samples": [[0, "x", 9]],
        "reloads": [
            {
                "t": 10,
                "rules": rule(when=OVER_7, on_delay_s=30) + rule("b", BAND) + rule("d", BAND, on_delay_s=30),
            }
        ],
        "expected": [
            up(),
            [0, "b", "unknown", "unacked", "raised"],
            [0, "d", "unknown", "normal", "input_known"],
            raised(40),
        ],
        "until": 60,
    },
    "two holes in one delay count neither and start it again neither": {
        "rules": rule(on_delay_s=12),
        "signals": [{**X, "stale_after_s": 4}],
        "samples": [[0, "x", 0], [2, "x", 11], [10, "x", 11], [20, "x", 11], [24, "x", 0]],
        "expected": [
            up(),
            [6, "a", "normal", "unknown", "input_unknown"],
            [10, "a", "unknown", "normal", "input_known"],
            [14, "a", "normal", "unknown", "input_unknown"],
            [20, "a", "unknown", "normal", "input_known"],
            raised(24),
            [24, "a", "unacked", "rtn_unacked", "cleared"],
        ],
        "until": 26,
    },
    "two restarts in one delay: holes of the engine count neither": {
        "modes": ["live"],
        "rules": rule(on_delay_s=12),
        "samples": [[0, "x", 0], [2, "x", 11]],
        "restarts": [{"down": 6, "up": 10}, {"down": 14, "up": 20}],
        "expected": [up(), raised(24)],
    },
    "a restart exactly as long as the delay is bridged": {
        "modes": ["live"],
        "rules": rule(on_delay_s=10),
        "samples": [[0, "x", 11]],
        "restarts": [{"down": 4, "up": 14}],
        "expected": [up(), raised(20)],
    },
    "a restart a nanosecond longer than the delay starts it again": {
        "modes": ["live"],
        "rules": rule(on_delay_s=10),
        "samples": [[0, "x", 11]],
        "restarts": [{"down": 4, "up": 14 + NS}],
        "expected": [up(), raised(24 + NS)],
    },
    "a delay that had passed where a long hole begins ends at the first instant after it": {
        "modes": ["live"],
        "rules": rule(on_delay_s=5),
        "samples": [[0, "x", 0], [5, "x", 11]],
        "restarts": [{"down": 10, "up": 30}],
        "expected": [up(), raised(30)],
    },
    "a delay that ends where the rules change has ended before they do": {
        "rules": rule(on_delay_s=5) + rule("b", on_delay_s=5),
        "samples": [[0, "x", 0], [5, "x", 11]],
        "actions": [act(7, "shelve", "b", until=12)],
        "reloads": [{"t": 10, "rules": "".join(rule(n, OVER_20, on_delay_s=5) for n in "ab")}],
        "expected": [
            up(),
            [0, "b", "unknown", "normal", "input_known"],
            [7, "b", "normal", "shelved", "shelved"],
            raised(10),
            [10, "a", "unacked", "rtn_unacked", "cleared"],
            [12, "b", "shelved", "normal", "shelf_expired"],
        ],
    },
    "another condition under the same id while clearing is active again, then judged": {
        "rules": rule(off_delay_s=30),
        "samples": [[0, "x", 11], [5, "x", 0]],
        "reloads": [{"t": 10, "rules": rule(when=OVER_20, off_delay_s=30)}],
        "expected": [raised(0, "unknown"), [40, "a", "unacked", "rtn_unacked", "cleared"]],
    },
    "a rule that is new begins without a memory, and those behind it keep what they have": {
        "rules": rule(),
        "samples": [[0, "x", 11], [5, "x", 9]],
        "actions": [act(1, "ack")],
        "reloads": [{"t": 3, "rules": rule("e", OVER_20) + rule()}, {"t": 7, "rules": rule("f", BAND) + rule()}],
        "expected": [
            raised(0, "unknown"),
            [1, "a", "unacked", "acked", "acknowledged"],
            [3, "e", "unknown", "normal", "input_known"],
            [5, "a", "acked", "normal", "cleared"],
            [7, "f", "unknown", "normal", "input_known"],
        ],
    },
    "a shelf and a delay that end at one instant both do, though the sample of it contradicts": {
        "rules": rule() + rule("b", on_delay_s=10),
        "samples": [[0, "x", 11], [10, "x", 0]],
        "actions": [act(1, "shelve", until=10)],
        "expected": [
            raised(0, "unknown"),
            [0, "b", "unknown", "normal", "input_known"],
            [1, "a", "unacked", "shelved", "shelved"],
            [10, "b", "normal", "unacked", "raised"],
            [10, "b", "unacked", "rtn_unacked", "cleared"],
            [10, "a", "shelved", "normal", "shelf_expired"],
        ],
    },
    "the link of a source that no rule reads a signal of may be lost": {
        "rules": rule(when='kind = "state", signal = "ring_link", words = ["down"]'),
        "signals": [{**X, "source": "other"}, {"id": "ring_link", "type": "state", "words": ["up", "down"]}],
        "samples": [[0, "ring_link", "up"], [10, "ring_link", "down"]],
        "expected": [up(), raised(10)],
        "until": 30,
    },
    "a word is no number and a number no word: the verdict is unknown": {
        "rules": rule(when='kind = "limit", fact = "forwarder_state", above = 1.0')
        + rule("b", 'kind = "state", fact = "disk_free_pct", words = ["low"]'),
        "samples": [[0, "fact:forwarder_state", "idle"], [0, "fact:disk_free_pct", 50]],
        "actions": [act(1, "out"), act(1, "out", "b"), act(2, "in"), act(2, "in", "b")],
        "expected": [
            [1, "a", "unknown", "out_of_service", "taken_out"],
            [1, "b", "unknown", "out_of_service", "taken_out"],
            [2, "a", "out_of_service", "unknown", "put_back"],
            [2, "b", "out_of_service", "unknown", "put_back"],
        ],
    },
    "a clock put back by more than 5 s begins again there": {
        "modes": ["live"],
        "rules": rule(on_delay_s=10),
        "samples": [
            {"t": 0, "series": "x", "value": 11, "in_call": 1},
            {"t": 10, "series": "x", "value": 11, "in_call": 3},
        ],
        "calls": [1, 8, 4, 2, 3, 20],
        "expected": [up(0), raised(4)],
        "until": 20,
    },
}


@pytest.mark.parametrize("name", CASES, ids=lambda name: name)
def test_rule_of_the_text(name: str) -> None:
    raw = {"name": name, "until": 50, "signals": [X], **CASES[name]}
    scenario = parse(raw)
    assert [d.line() for mode, got in run(scenario) if (d := compare(scenario, mode, got)) is not None] == []


def test_every_transition_of_the_table_and_every_refusal_happens_in_the_random_cases_and_no_other() -> None:
    wanted = {(a, b, cause) for a, row in ALLOWED.items() for b, causes in row.items() for cause in causes}
    refused: set[str] = set()
    seen: set[tuple[str, str, str]] = {(row[2], row[3], row[4]) for c in CASES.values() for row in c["expected"]}
    for seed in range(600):
        case = make(seed)
        _, _, outcomes = run_both(case, calls_of(case, random.Random(seed)))
        refused |= {r.reason.value for o in outcomes for r in o.refusals}
        seen |= {(t.from_state.value, t.to_state.value, t.cause.value) for o in outcomes for t in o.transitions}
    assert seen - wanted == set()
    assert wanted - seen == set()
    assert refused == {reason.value for reason in RefusalReason}
