"""Scenarios of the alarm rules: from samples to a verdict, and from a verdict to an alarm."""

from alarm_scenario_parts import NS, ON_Y, Cases, X, act, raised, rule, up

VALUES: Cases = {
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
    "a sample that comes before its time waits for it": {
        "rules": rule(),
        "samples": [[0, "x", 0], {"t": 20, "series": "x", "value": 11, "arrives": 5}],
        "expected": [up(), raised(20)],
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
    "two holes in one delay are not counted and do not start it again": {
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
}
