"""Rules, actions and rows of which the scenarios of the alarm rules are made."""

from typing import Any

Cases = dict[str, dict[str, Any]]
"""By what each shows: a scenario as in the shipped examples, without what all have in common."""

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
