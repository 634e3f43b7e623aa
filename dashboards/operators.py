"""What a control room watches: is the beam there, is the data fresh, what comes next."""

from dashboards.data_sources import DataSource
from dashboards.figures import PLAIN, availability_look, figure_panel
from dashboards.frame import Frame, build_dashboard
from dashboards.influxql import DEFINITION, FACILITY, RECENT, InfluxQuery
from dashboards.layout import Column, Row, row
from dashboards.look import BLUE, GREEN, GREY, LOWEST, ORANGE, RED, Look, over, words
from dashboards.now import (
    age_panel,
    alarms_panel,
    beam_state_panel,
    beam_words,
    current_panel,
    mode_panel,
    of_delivery,
    of_facility,
    plan_panel,
    plan_words,
    simulated_panel,
    state_age_panel,
)
from dashboards.panels import Override, Words, series_panel, stat_panel, table_panel, timeline_panel
from dashboards.promql import prom_query
from dashboards.sdk import common, dashboard, timeseries
from dashboards.subject import Subject
from facility.schema import BEAM_STATE, EVENTS, MINUTES, PLAN, TELEMETRY


def operators(subject: Subject) -> dashboard.Dashboard:
    """Return the dashboard of a control room."""
    frame = Frame(
        name="operators",
        title=subject.say("kado: control room", "kado：制御室"),
        description=subject.say(
            "Beam, plan and data of the last 24 hours; everything on it says how old it may be.",
            "直近24時間のビーム・計画・データの状態。",
        ),
        since="now-24h",
        refresh="5s",
        sources=tuple(DataSource),
    )
    return build_dashboard(
        subject,
        frame,
        [
            row(
                5,
                (beam_state_panel(subject), 6),
                (state_age_panel(subject), 5),
                (current_panel(subject), 5),
                (age_panel(subject), 5),
                (simulated_panel(subject), 3),
            ),
            Row(
                10,
                (
                    Column(19, ((delivery_panel(subject), 10),)),
                    Column(5, ((plan_panel(subject), 3), (mode_panel(subject), 3), (_block_end(subject), 4))),
                ),
            ),
            row(6, (lanes_panel(subject), 24)),
            row(4, *_machine(subject)),
            row(7, (_events(subject), 14), (alarms_panel(subject), 10)),
            row(4, *_today(subject)),
        ],
    )


def wall(subject: Subject) -> dashboard.Dashboard:
    """Return the layout for a screen on the wall: few panels, letters that are read from five metres."""
    frame = Frame(
        name="wall",
        title=subject.say("kado: wall", "kado：大型表示"),
        description=subject.say(
            "For a large screen: open it in kiosk mode (press d, then k).", "大型画面用。キオスクモードで開きます。"
        ),
        since="now-24h",
        refresh="5s",
        sources=tuple(DataSource),
    )
    return build_dashboard(
        subject,
        frame,
        [
            row(7, (beam_state_panel(subject, size=120), 12), (current_panel(subject, size=120), 12)),
            row(9, (delivery_panel(subject), 24)),
            row(
                6,
                (age_panel(subject, size=72), 6),
                (state_age_panel(subject, size=64), 7),
                (plan_panel(subject, size=72), 6),
                (_alarm_count(subject), 5),
            ),
            row(2, (simulated_panel(subject), 24)),
        ],
    )


def delivery_panel(subject: Subject) -> dashboard.Panel:
    """Return the delivery signal with its limits and target."""
    profile, say = subject.profile, subject.say
    signal = profile.delivery
    name, lowest = subject.label(signal), say("lowest in the interval", "区間内の最小")
    steps: tuple[tuple[float | None, str], ...] = ((None, "transparent"),)
    target = ""
    if profile.target is not None:
        steps = (*steps, (profile.target, BLUE))
        target = say(
            f" The dashed blue line is the target, {profile.target:g}.", f"青の破線は目標値 {profile.target:g}。"
        )
    look = Look(subject.unit, 1, say("NO DATA", "データなし"), steps, least=0.0, fixed_color=GREEN)

    about = say(
        "The delivery signal: mean and lowest value of each interval. Red and orange bands are no beam and low beam, "
        "purple ones are unknown time; dashed lines are the limits in force." + target,
        "供給信号の区間平均と最小値。赤はビーム停止、橙は低電流、紫は不明の時間。破線はその時点の限界値。" + target,
    )
    return series_panel(
        Words(subject.label(signal), about),
        look,
        _delivery_queries(subject, name, lowest),
        overrides=[
            _line(f"{name}.*", GREEN, width=2.0),
            _line(f"{lowest}.*", GREY),
            _line(say("nominal", "定格下限"), GREEN, dashed=True),
            _line(say("tolerance", "許容下限"), ORANGE, dashed=True),
            _line(say("minimum", "最小値"), RED, dashed=True),
        ],
        style=timeseries.FieldConfig(
            line_width=1.0,
            fill_opacity=0,
            show_points=common.VisibilityMode.NEVER,
            span_nulls=False,
            axis_soft_max=None if profile.target is None else profile.target * 1.05,
        ),
        thresholds=profile.target is not None,
    )


def _delivery_queries(subject: Subject, name: str, lowest: str) -> list[InfluxQuery]:
    """Return samples of the last days, minutes before them, and the limits in force."""
    say, signal = subject.say, subject.profile.delivery
    each = "time($__interval) fill(null)"
    older = say("from minutes", "1分値")
    of_signal = (FACILITY, f"\"signal\" = '{signal.id}'")
    return [
        InfluxQuery(
            select=f'mean("value") AS "{name}", min("value") AS "{lowest}"',
            measurement=TELEMETRY,
            where=(*of_signal, "\"quality\" != 'bad'", RECENT),
            group_by=each,
            source=DataSource.TELEMETRY,
            alias="$col",
        ),
        InfluxQuery(
            select=f'mean("mean") AS "{name}, {older}", min("min") AS "{lowest}, {older}"',
            measurement=MINUTES,
            where=of_signal,
            group_by=each,
            source=DataSource.MINUTES,
            alias="$col",
        ),
        InfluxQuery(
            select=f'last("nominal") AS "{say("nominal", "定格下限")}", last("tolerance") AS '
            f'"{say("tolerance", "許容下限")}", last("minimum") AS "{say("minimum", "最小値")}"',
            measurement=BEAM_STATE,
            where=(FACILITY, DEFINITION),
            group_by="time($__interval) fill(previous)",
            alias="$col",
        ),
    ]


def _line(name: str, color: str, *, dashed: bool = False, width: float = 1.0) -> Override:
    fill = common.LineStyle(fill="dash", dash=[8, 6]) if dashed else common.LineStyle(fill="solid")
    return Override(
        name,
        (
            ("color", dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=color)),
            ("custom.lineWidth", width),
            ("custom.lineStyle", fill),
        ),
    )


def lanes_panel(subject: Subject) -> dashboard.Panel:
    """Return beam, plan and machine mode as lanes."""
    say, mode = subject.say, subject.profile.mode_signal
    queries = [
        InfluxQuery(
            select=f'"state" AS "{say("beam", "ビーム")}"', measurement=BEAM_STATE, where=(FACILITY, DEFINITION),
            alias="$col",
        ),
        InfluxQuery(select=f'"category" AS "{say("planned", "計画")}"', measurement=PLAN, alias="$col"),
    ]  # fmt: skip
    if mode is not None:
        queries.append(
            InfluxQuery(
                select=f'last("state") AS "{say("machine", "運転モード")}"',
                measurement=TELEMETRY,
                where=(FACILITY, f"\"signal\" = '{mode}'"),
                group_by="time($__interval) fill(none)",
                source=DataSource.TELEMETRY,
                alias="$col",
            )
        )
    look = Look("none", 0, say("nothing recorded", "記録なし"), ((None, GREY),), (*_both(subject),))
    about = say(
        "What the beam was, what was planned, and what mode the machine stated. A lane that is grey or empty was not "
        "seen.",
        "ビームの状態、計画、加速器側の運転モード。空白は記録がない時間です。",
    )
    return timeline_panel(Words(say("Beam, plan and mode", "ビーム・計画・運転モード"), about), look, queries)


def _both(subject: Subject) -> list[dashboard.ValueMapping]:
    return [*beam_words(subject), *plan_words(subject)]


def _block_end(subject: Subject) -> dashboard.Panel:
    query = prom_query(f"max(kado_plan_end_timestamp_seconds{of_facility()}) - time()")
    look = Look("dtdhms", 0, subject.say("nothing planned", "計画なし"), PLAIN)
    about = subject.say(
        "How long the block of the calendar that is running goes on.", "現在の計画区分が終わるまでの時間。"
    )
    return stat_panel(Words(subject.say("Planned for another", "区分の残り時間"), about), look, query)


def _machine(subject: Subject) -> list[tuple[dashboard.Panel, int]]:
    say, selector = subject.say, of_delivery(subject)
    nominal = f"max(kado_limit{of_facility(limit='nominal')})"
    value = f"max(kado_signal_value{selector})"
    lifetime = f"max(kado_signal_value{of_facility(signal='beam_lifetime')})"
    margin = stat_panel(
        Words(
            say("Above the top-up edge", "トップアップ下限との差"),
            say(
                "The delivery signal less the lower edge of the top-up band (nominal). Below zero the band is left.",
                "供給信号とトップアップ帯の下限（定格下限）との差。負なら帯を外れています。",
            ),
        ),
        Look(subject.unit, 2, say("not known", "不明"), over((LOWEST, ORANGE), (0.0, GREEN))),
        prom_query(f"{value} - {nominal}"),
    )
    injection = stat_panel(
        Words(
            say("Next injection in about", "次の入射まで（推定）"),
            say(
                "Estimated: the time in which the current decays to the lower edge of the top-up band at its present "
                "lifetime. Empty without beam or without a lifetime.",
                "現在の寿命で電流がトップアップ帯の下限まで減衰する時間の推定値。",
            ),
        ),
        Look("dthms", 0, say("not known", "不明"), PLAIN),
        prom_query(f"clamp_min({value} - {nominal}, 0) / ({value} > 0) * ({lifetime} > 0) * 3600"),
    )
    life = stat_panel(
        Words(
            say("Lifetime", "ビーム寿命"),
            say("Newest good value of beam_lifetime.", "beam_lifetime の最新の正常値。"),
        ),
        Look("suffix:h", 1, say("not known", "不明"), PLAIN),
        prom_query(lifetime),
    )
    failure = stat_panel(
        Words(
            say("Since the last failure", "前回の故障から"),
            say(
                "Time since the last failure ended, by the chosen definition; 0 while one is running.",
                "選択した集計定義による前回の故障の終了からの時間。故障中は0。",
            ),
        ),
        Look("dtdhms", 0, say("no failure on record", "故障の記録なし"), PLAIN),
        prom_query(f"time() - max(kado_last_failure_end_timestamp_seconds{of_facility(definition='$definition')})"),
    )
    operating = of_facility(status="operating")
    ports = stat_panel(
        Words(
            say("Ports in operation", "稼働中のポート"),
            say(
                f"Beamline ports in operation, of {subject.profile.port_count}, as the facility's profile states them.",
                f"プロファイルによる稼働中のビームラインポート数（全{subject.profile.port_count}）。",
            ),
        ),
        Look(f"suffix:/ {subject.profile.port_count}", 0, say("not stated", "記載なし"), PLAIN),
        prom_query(f"sum(kado_ports{operating})"),
    )
    return [(margin, 5), (injection, 5), (life, 4), (failure, 6), (ports, 4)]


def _events(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = InfluxQuery(
        select='"kind", "open", "duration_s", "user_time_s", "system", "cause"',
        measurement=EVENTS,
        where=(FACILITY, DEFINITION),
        in_range=False,
        order="ORDER BY time DESC LIMIT 8",
        as_table=True,
    )
    named = words(
        [
            ("no_beam", say("no beam", "ビーム停止"), RED),
            ("trip", say("trip", "短時間停止"), ORANGE),
            ("low_beam", say("low beam", "低電流"), ORANGE),
            ("true", say("OPEN", "継続中"), RED),
            ("false", say("over", "終了"), GREY),
            ("none", say("none", "未記入"), GREY),
        ]
    )
    look = Look("dtdhms", 0, say("no event on record", "事象の記録なし"), ((None, BLUE),), named)
    about = say(
        "The newest events in user time. System and cause are those of the incident on record (kado incident add).",
        "利用時間中の最新の事象。「系統」と「原因」は記録（kado incident add）による。",
    )
    renamed = {
        "Time": say("begins", "開始"),
        "kind": say("event", "事象"),
        "open": say("state", "状態"),
        "duration_s": say("duration", "継続時間"),
        "user_time_s": say("user time lost", "失われた利用時間"),
        "system": say("system", "系統"),
        "cause": say("cause", "原因"),
    }
    return table_panel(Words(say("Events", "事象"), about), look, [query], renamed=renamed)


def _today(subject: Subject) -> list[tuple[dashboard.Panel, int]]:
    say, look = subject.say, availability_look(subject)
    about = say(
        "Availability by the chosen definition; unknown time counts as neither beam nor downtime.",
        "選択した集計定義による稼働率。不明の時間は稼働にも停止にも数えません。",
    )
    panels = [
        figure_panel(Words(name, about), look, "availability_pct", period)
        for name, period in (
            (say("Availability today", "本日の稼働率"), "day"),
            (say("This month", "今月の稼働率"), "month"),
            (say("This fiscal year", "今年度の稼働率"), "fiscal_year"),
        )
    ]
    coverage = figure_panel(
        Words(
            say("Known part of today", "本日のデータ被覆率"),
            say(
                "Coverage: the part of today's user time in which the state of the beam is known.",
                "本日の利用時間のうち、ビームの状態が分かっている割合。",
            ),
        ),
        Look(
            "percent",
            1,
            say("no user time yet", "利用時間なし"),
            over((0.0, RED), (90.0, ORANGE), (99.0, GREEN)),
            least=0.0,
            most=100.0,
        ),
        "coverage_pct",
        "day",
    )
    return [*((panel, 6) for panel in panels), (coverage, 6)]


def _alarm_count(subject: Subject) -> dashboard.Panel:
    look = Look("none", 0, subject.say("no alarm rules", "警報ルールなし"), over((0.0, GREEN), (1.0, RED)))
    about = subject.say(
        "Alarms that are active, or over and not yet acknowledged.", "発報中、または復帰済みで未確認の警報の数。"
    )
    query = prom_query(f"count(kado_alarm_state{of_facility()} >= 2 < 5) or 0 * count(kado_alarm_state{of_facility()})")
    words_ = Words(subject.say("Alarms", "警報"), about)
    return stat_panel(words_, look, query, size=96, background=True)
