"""Writes docs/explanation/alarm-storm.md and its picture: a simulated storm, and what protection takes from it.

Run it after a simulator, the scenario ``storm`` or a shipped rule has changed: ``make storm`` (some two minutes).
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import altair as alt
from typer.testing import CliRunner

from analytics.alarms.figures import AlarmFigures, assess
from facility.alarms import AlarmRule, AlarmRules, Transition
from facility.time import NS_PER_DAY, parse_time, to_datetime
from kado.cli.main import app
from kado.config import Configuration, load_configuration
from kado.queries.alarm_replay import replay_rows
from kado.queries.alarm_rules import series_table

PAGE: Final = Path(__file__).with_name("alarm-storm.md")
PICTURE: Final = Path(__file__).with_name("alarm-storm.svg")
FROM, TO = "2026-10-01T00:00:00+09:00", "2026-11-16T00:00:00+09:00"


def _without_inhibition(rule: AlarmRule) -> dict[str, Any]:
    del rule
    return {"inhibited_by": ()}


def _without_chattering(rule: AlarmRule) -> dict[str, Any]:
    del rule
    return {"chatter_count": 0}


def _without_delays(rule: AlarmRule) -> dict[str, Any]:
    del rule
    return {"on_delay_s": 0.0, "off_delay_s": 0.0}


Change = Callable[[AlarmRule], dict[str, Any]]
VARIANTS: Final[tuple[tuple[str, str, tuple[Change, ...]], ...]] = (
    ("as shipped", "出荷時のまま", ()),
    ("without inhibition", "抑止なし", (_without_inhibition,)),
    ("without chattering protection", "チャタリング保護なし", (_without_chattering,)),
    ("without delays", "遅延なし", (_without_delays,)),
    ("without delays and chattering protection", "遅延・チャタリング保護なし", (_without_delays, _without_chattering)),
    ("without any of them", "いずれもなし", (_without_inhibition, _without_chattering, _without_delays)),
)


@dataclass(frozen=True)
class Result:
    """One variant of the rules on the storm."""

    en: str
    ja: str
    figures: AlarmFigures
    rows: tuple[Transition, ...]

    def cells(self) -> str:
        """Return its row of the table, behind the name."""
        f = self.figures
        return (
            f"{f.annunciated} | {f.per_day:.1f} | {f.max_per_10min} | {len(f.floods)} | {f.flood_time_pct:.2f} | "
            f"{len(f.chattering)} |"
        )


def storm(folder: Path) -> list[Result]:
    """Simulate the storm in a folder, and replay each variant of the shipped rules on it."""
    config = folder / "kado.toml"
    for words in (["init"], ["simulate", "--scenario", "storm", "--from", FROM, "--to", TO]):
        done = CliRunner().invoke(app, [*words, "--config", str(config)])
        if done.exit_code:
            raise SystemExit(done.output)
    configuration = load_configuration(config)
    shipped = AlarmRules.shipped(configuration.profile.id, series_table(configuration))
    return [result(configuration, shipped, variant) for variant in VARIANTS]


def result(configuration: Configuration, shipped: AlarmRules, variant: tuple[str, str, tuple[Change, ...]]) -> Result:
    """Replay one variant."""
    en, ja, changes = variant
    rules = list(shipped.rules)
    for change in changes:
        rules = [rule.model_copy(update=change(rule)) for rule in rules]
    start, end = parse_time(FROM), parse_time(TO)
    rows = replay_rows(configuration, AlarmRules.of(rules, shipped.table), start, end)
    within = {rule.id: rule.respond_within_s for rule in rules}
    return Result(en, ja, assess(rows, start, end, within), tuple(r for r in rows if r.annunciated))


def draw(results: list[Result]) -> None:
    """Draw annunciations a day, as shipped and without protection."""
    shown = (results[0], results[-1])
    zone = parse_time(FROM)
    data = [
        {"day": str(to_datetime(zone + day * NS_PER_DAY).date()), "alarm": alarm, "count": count, "rules": r.en}
        for r in shown
        for (day, alarm), count in Counter(((t.time_ns - zone) // NS_PER_DAY, t.alarm) for t in r.rows).items()
    ]
    chart = (
        alt.Chart(alt.Data(values=data))
        .mark_bar()
        .encode(
            x=alt.X("day:T", title=None),
            y=alt.Y("sum(count):Q", title="annunciations a day"),
            color=alt.Color("alarm:N", title="alarm"),
        )
        .properties(width=700, height=170)
        .facet(row=alt.Row("rules:N", title=None, sort=[r.en for r in shown]))
        .properties(title="SIMULATED: scenario storm, NanoTerasu")
        .resolve_scale(y="independent")
    )
    chart.save(str(PICTURE))


def page(results: list[Result]) -> str:
    """Return the page."""
    first, last = results[0].figures, results[-1].figures
    most = Counter(t.alarm for t in results[0].rows).most_common(5)
    head = "| annunciations | a day | most in 10 min | floods | time in flood, % | chattering alarms |"
    line = "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    by_alarm = Counter(t.alarm for t in results[-1].rows)
    lines = [
        "# A storm of alarms",
        "",
        "Written by `docs/explanation/write_alarm_storm.py` (`make storm`); do not edit. All of it is SIMULATED.",
        "",
        "The scenario `storm` breaks everything at once for a month and a half: machine, instruments, link, clocks.",
        "The rules that come with the simulated NanoTerasu were replayed on it, as they are and with parts of their",
        "protection taken away. Facts about kado have no history and raise nothing here; nobody acknowledged.",
        "",
        f"| rules {head}",
        line,
        *(f"| {r.en} | {r.cells()}" for r in results),
        "",
        "![Annunciations a day, as shipped and without protection](alarm-storm.svg)",
        "",
        f"Inhibition, delays and chattering protection together leave {first.annunciated} of {last.annunciated}",
        f"annunciations. Most often raised as shipped: {', '.join(f'`{a}` {n}' for a, n in most)}; without protection:",
        f"{', '.join(f'`{a}` {n}' for a, n in by_alarm.most_common(5))}.",
        "",
        "- Inhibition takes away what a graver alarm explains: the low beam of a beam that is lost, the silence of a",
        "  source that is not connected.",
        "- Delays take away what is over before a person could look: glitches, spikes, single samples.",
        "- Chattering protection keeps an alarm on until it was quiet for a minute. Nothing is raised three times in a",
        "  minute in this storm, so it takes nothing away, and no variant comes to a flood.",
        "- A stale signal whose source comes back is released a moment before its first sample, and raised for that",
        "  moment: more `current_stale` with inhibition than without. A delay of a few seconds in that rule ends it.",
        "",
        "# 警報の嵐",
        "",
        "`make storm` が作成します。すべて模擬データです。シナリオ `storm` は 1 か月半にわたり、",
        "加速器・計測器・接続・時計を同時に故障させます。模擬 NanoTerasu に付属するルールをそのまま、",
        "および保護の一部を外して適用した結果です。",
        "",
        "| ルール | 発報 | 1 日あたり | 10 分間の最多 | 氾濫 | 氾濫時間, % | チャタリング警報 |",
        line,
        *(f"| {r.ja} | {r.cells()}" for r in results),
        "",
        f"抑止・遅延・チャタリング保護により、{last.annunciated} 件の発報が {first.annunciated} 件になります。",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        found = storm(Path(name))
    draw(found)
    PAGE.write_text(page(found), encoding="utf-8")
