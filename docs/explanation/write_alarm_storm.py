"""Writes docs/explanation/alarm-storm.md and its pictures: simulated storms, and what protection takes from them.

Run it after a simulator, the scenarios ``storm`` and ``loose_cable`` or a shipped rule has changed: ``make storm``
(some two minutes).
"""

import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import altair as alt
from typer.testing import CliRunner

from analytics.alarms.figures import FLOOD_ABOVE, AlarmFigures, assess
from facility.alarms import AlarmRule, AlarmRules, Transition
from facility.profile import load_profile
from facility.time import NS_PER_DAY, NS_PER_S, parse_time, to_datetime
from kado.cli.main import app
from kado.config import Configuration, load_configuration
from kado.queries.alarm_replay import replay_rows
from kado.queries.alarm_rules import series_table

PAGE: Final = Path(__file__).with_name("alarm-storm.md")
PICTURE: Final = Path(__file__).with_name("alarm-storm.svg")
PICTURE_OF_CABLE: Final = Path(__file__).with_name("alarm-flood.svg")
STEP_NS: Final = 600 * NS_PER_S
MARGINS: Final = {"left": 5, "top": 5, "right": 30, "bottom": 5}
"""Legends are a little wider than the picture believes."""


@dataclass(frozen=True)
class Scenario:
    """What is simulated, and when."""

    name: str
    start: str
    end: str


STORM: Final = Scenario("storm", "2026-10-01T00:00:00+09:00", "2026-11-16T00:00:00+09:00")
CABLE: Final = Scenario("loose_cable", "2026-11-11T00:00:00+09:00", "2026-11-13T00:00:00+09:00")


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


def results_of(scenario: Scenario, folder: Path) -> list[Result]:
    """Simulate a scenario in a folder, and replay each variant of the shipped rules on it."""
    config = folder / "kado.toml"
    period = ["--from", scenario.start, "--to", scenario.end]
    for words in (["init"], ["simulate", "--scenario", scenario.name, *period]):
        done = CliRunner().invoke(app, [*words, "--config", str(config)])
        if done.exit_code:
            raise SystemExit(done.output)
    configuration = load_configuration(config)
    shipped = AlarmRules.shipped(configuration.profile.id, series_table(configuration))
    return [result(configuration, shipped, variant, scenario) for variant in VARIANTS]


def result(
    configuration: Configuration, shipped: AlarmRules, variant: tuple[str, str, tuple[Change, ...]], scenario: Scenario
) -> Result:
    """Replay one variant."""
    en, ja, changes = variant
    rules = list(shipped.rules)
    for change in changes:
        rules = [rule.model_copy(update=change(rule)) for rule in rules]
    start, end = parse_time(scenario.start), parse_time(scenario.end)
    rows = replay_rows(configuration, AlarmRules.of(rules, shipped.table), start, end)
    within = {rule.id: rule.respond_within_s for rule in rules}
    return Result(en, ja, assess(rows, start, end, within), tuple(r for r in rows if r.annunciated))


def draw(results: list[Result]) -> None:
    """Draw annunciations a day, as shipped and without protection."""
    shown = (results[0], results[-1])
    start = parse_time(STORM.start)
    first = datetime.fromisoformat(STORM.start).date()
    data = [
        {"day": str(first + timedelta(days=day)), "alarm": alarm, "count": count, "rules": r.en}
        for r in shown
        for (day, alarm), count in Counter(((t.time_ns - start) // NS_PER_DAY, t.alarm) for t in r.rows).items()
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
        .properties(title="SIMULATED: scenario storm, NanoTerasu", padding=MARGINS)
        .resolve_scale(y="independent")
    )
    chart.save(str(PICTURE))


def draw_cable(results: list[Result]) -> None:
    """Draw annunciations in each ten minutes of a day, with what makes a flood."""
    start = parse_time(CABLE.start)
    zone = load_profile("nanoterasu_sim").zone
    shown = [r for r in results if r.en in ("as shipped", "without chattering protection", "without any of them")]
    data = [
        {
            # As a local time, whatever the zone of the machine that draws it.
            "from": to_datetime(start + step * STEP_NS, zone).strftime("%Y-%m-%dT%H:%M:%S"),
            "to": to_datetime(start + (step + 1) * STEP_NS, zone).strftime("%Y-%m-%dT%H:%M:%S"),
            "alarm": alarm,
            "count": count,
            "rules": r.en,
            "flood": FLOOD_ABOVE,
        }
        for r in shown
        for (step, alarm), count in Counter(
            ((t.time_ns - start) // STEP_NS, t.alarm) for t in r.rows if t.time_ns < start + NS_PER_DAY
        ).items()
    ]
    times = alt.X("from:T", title=None, axis=alt.Axis(format="%H:%M"))
    bars = (
        alt.Chart()
        .mark_bar()
        .encode(
            x=times,
            x2="to:T",
            y=alt.Y("sum(count):Q", title="in ten minutes"),
            color=alt.Color("alarm:N", title="alarm"),
        )
    )
    flood = alt.Chart().mark_rule(strokeDash=[4, 3]).encode(y="max(flood):Q")
    chart = (
        alt.layer(bars, flood, data=alt.Data(values=data))
        .properties(width=700, height=120)
        .facet(row=alt.Row("rules:N", title=None, sort=[r.en for r in shown]))
        .properties(
            title=f"SIMULATED: scenario loose_cable, first day; dashed: more than {FLOOD_ABOVE} are a flood",
            padding=MARGINS,
        )
        .resolve_scale(y="independent")
    )
    chart.save(str(PICTURE_OF_CABLE))


def page(storm: list[Result], cable: list[Result]) -> str:
    """Return the page."""
    line = "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    head = "| rules | annunciations | a day | most in 10 min | floods | time in flood, % | chattering alarms |"
    head_ja = "| ルール | 発報 | 1 日あたり | 10 分間の最多 | 氾濫 | 氾濫時間, % | チャタリング警報 |"

    def total(results: list[Result], name: str) -> AlarmFigures:
        return next(r.figures for r in results if r.en == name)

    def most(rows: tuple[Transition, ...]) -> str:
        return ", ".join(f"`{alarm}` {n}" for alarm, n in Counter(t.alarm for t in rows).most_common(5))

    shipped, bare = total(cable, "as shipped"), total(cable, "without any of them")
    flapping = total(cable, "without chattering protection")
    first, last = total(storm, "as shipped"), total(storm, "without any of them")
    lines = [
        "# A storm of alarms",
        "",
        "Written by `docs/explanation/write_alarm_storm.py` (`make storm`); do not edit. All of it is SIMULATED.",
        "",
        "What protection takes away, on two scenarios. The rules that come with the simulated NanoTerasu were replayed",
        "as they are, and with parts of their protection taken away. Facts about kado have no history and raise",
        "nothing here; nobody acknowledged.",
        "",
        "## Everything at once, for a month and a half",
        "",
        "The scenario `storm` breaks machine, instruments, link and clocks, each on its own.",
        "",
        head,
        line,
        *(f"| {r.en} | {r.cells()}" for r in storm),
        "",
        "![Annunciations a day, as shipped and without protection](alarm-storm.svg)",
        "",
        f"Inhibition, delays and chattering protection together leave {first.annunciated} of {last.annunciated}",
        f"annunciations. Most often raised as shipped: {most(storm[0].rows)}; without protection:",
        f"{most(storm[-1].rows)}.",
        "",
        "- Inhibition takes away what a graver alarm explains: the low beam of a beam that is lost, the silence of a",
        "  source that is not connected.",
        "- Delays take away what is over before a person could look: glitches, spikes, single samples.",
        "- Nothing comes three times in a minute here, so chattering protection takes nothing away.",
        "- A stale signal whose source comes back is released a moment before its first sample, and raised for that",
        "  moment: more `current_stale` with inhibition than without. A delay of a few seconds in that rule ends it.",
        "",
        "## The same alarms over and over, for two days",
        "",
        "In the scenario `loose_cable` the current monitors read zero for five seconds, three times a minute, for a",
        "quarter of an hour each day; for twelve minutes each day their gateway restarts over and over. Twice the beam",
        "is lost in truth.",
        "",
        head,
        line,
        *(f"| {r.en} | {r.cells()}" for r in cable),
        "",
        "![Annunciations in ten minutes, as shipped, without chattering protection and without any](alarm-flood.svg)",
        "",
        f"Without protection an operator gets {bare.annunciated} annunciations, up to {bare.max_per_10min} in ten",
        f"minutes: {len(bare.floods)} floods. As shipped there are {shipped.annunciated}, at most",
        f"{shipped.max_per_10min} in ten minutes, and no flood. The two true losses are among them in each row.",
        "",
        f"- Chattering protection takes away the most here, {flapping.annunciated - shipped.annunciated} of",
        f"  {flapping.annunciated}: after the third raise within a minute an alarm stays on until it was quiet for a",
        "  minute. It is still shown, with a mark, as somebody has to fasten the cable.",
        "- Inhibition keeps each zero of the monitor one alarm: without it and without delays `low_beam` and",
        "  `current_falling` come with each `beam_lost`.",
        "- Delays alone take little away: five seconds of zero are longer than the three of `beam_lost`, and",
        "  `current_stale` has no delay.",
        "",
        "# 警報の嵐",
        "",
        "`make storm` が作成します。すべて模擬データです。保護機能が何を取り除くかを 2 つのシナリオで示します。",
        "模擬 NanoTerasu に付属するルールを、そのまま、および保護の一部を外して適用しました。kado 自身の状態は",
        "履歴がないため発報しません。確認操作は行っていません。",
        "",
        "## 1 か月半、あらゆる故障",
        "",
        "シナリオ `storm` では、加速器・計測器・接続・時計がそれぞれ独立に故障します。",
        "",
        head_ja,
        line,
        *(f"| {r.ja} | {r.cells()}" for r in storm),
        "",
        f"抑止・遅延・チャタリング保護により、{last.annunciated} 件の発報が {first.annunciated} 件になります。",
        "",
        "- 抑止は、より重い警報で説明できるもの（ビーム停止中の電流低下、切断中の更新停止）を取り除きます。",
        "- 遅延は、人が見る前に終わるもの（瞬間的な異常値や単発の欠測）を取り除きます。",
        "- 1 分間に 3 回発報するものがないため、チャタリング保護の効果は現れません。",
        "",
        "## 2 日間、同じ警報の繰り返し",
        "",
        "シナリオ `loose_cable` では、ケーブルの接触不良により電流モニターが毎日 15 分間、1 分に 3 回、",
        "5 秒ずつ 0 を示し、別の時間帯には 12 分間ゲートウェイが再起動を繰り返します。実際のビーム停止は 2 回です。",
        "",
        head_ja,
        line,
        *(f"| {r.ja} | {r.cells()}" for r in cable),
        "",
        f"保護がなければ発報は {bare.annunciated} 件、10 分間に最大 {bare.max_per_10min} 件となり、氾濫が",
        f"{len(bare.floods)} 回発生します。出荷時のルールでは {shipped.annunciated} 件、10 分間に最大",
        f"{shipped.max_per_10min} 件で、氾濫はありません。実際のビーム停止 2 回は、どの行にも含まれています。",
        "",
        f"- チャタリング保護の効果が最大で、{flapping.annunciated} 件のうち",
        f"  {flapping.annunciated - shipped.annunciated} 件を取り除きます。1 分間に 3 回発報した警報は、",
        "  1 分間静かになるまで継続します。隠されるのではなく、印を付けて表示されます。ケーブルは誰かが",
        "  直さなければなりません。",
        "- 抑止により、モニターの 0 は 1 つの警報になります。抑止も遅延もなければ、`beam_lost` のたびに `low_beam` と",
        "  `current_falling` も発報します。",
        "- 遅延だけの効果はわずかです。5 秒の 0 は `beam_lost` の遅延 3 秒より長く、`current_stale` には",
        "  遅延がありません。",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page and its pictures."""
    found: dict[str, list[Result]] = {}
    for scenario in (STORM, CABLE):
        with tempfile.TemporaryDirectory() as name:
            found[scenario.name] = results_of(scenario, Path(name))
    draw(found[STORM.name])
    draw_cable(found[CABLE.name])
    PAGE.write_text(page(found[STORM.name], found[CABLE.name]), encoding="utf-8")


if __name__ == "__main__":
    main()
