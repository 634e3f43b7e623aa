"""What a manager opens on Monday: how available the beam was, why not, and how far the facility has come."""

from dataclasses import replace

from dashboards.data_sources import DataSource
from dashboards.figures import availability_look, count_look, figure_panel, newest_figure
from dashboards.frame import Frame, build_dashboard
from dashboards.influxql import DEFINITION, FACILITY, InfluxQuery
from dashboards.layout import Column, Row, row
from dashboards.look import BLUE, GREEN, GREY, LOWEST, ORANGE, PURPLE, RED, Look, over, words
from dashboards.now import of_facility, simulated_panel
from dashboards.panels import Override, Words, bars_panel, series_panel, stat_panel, table_panel, text_panel
from dashboards.promql import prom_query
from dashboards.sdk import common, dashboard, timeseries
from dashboards.subject import Subject
from facility.schema import (
    BEAM_STATE,
    EVENTS,
    FIELD_ID,
    FIELD_TARGET,
    FIELD_YEAR_BEFORE,
    FIGURES,
    MINUTES,
    USE,
)

PLAIN: tuple[tuple[float | None, str], ...] = ((None, BLUE),)
USER_TIME_H = '"user_time_s" / 3600 AS "user_time_h"'
BY_MONTH = (FACILITY, DEFINITION, "\"period\" = 'month'")


def managers(subject: Subject) -> dashboard.Dashboard:
    """Return the dashboard of those who answer for the facility."""
    say = subject.say
    frame = Frame(
        name="managers",
        title=say("kado: availability", "kado：稼働実績"),
        description=say(
            "Availability with its bounds and coverage, by the definition named above; what was lost, and why.",
            "選択した集計定義による稼働率（上下限・データ被覆率つき）と停止の内訳。",
        ),
        since="now-13M",
        refresh="5m",
        sources=(DataSource.MINUTES, DataSource.DERIVED, DataSource.PROMETHEUS),
        shaded=False,
    )
    return build_dashboard(
        subject,
        frame,
        [
            row(4, *_availability(subject)),
            row(4, *_failures(subject)),
            row(9, (_by_month(subject), 16), (_coverage(subject), 8)),
            row(8, (_mtbf(subject), 8), (_mttr(subject), 8), (_pareto(subject), 8)),
            row(8, (_hours(subject), 12), (_use(subject), 12)),
            Row(
                9,
                (
                    Column(16, ((_milestones(subject), 9),)),
                    Column(8, ((_steps(subject), 6), (_ports(subject), 3))),
                ),
            ),
            row(8, (_longest(subject), 16), (_peers(subject), 8)),
        ],
    )


def _availability(subject: Subject) -> list[tuple[dashboard.Panel, int]]:
    say, look = subject.say, availability_look(subject)
    periods = (
        (say("This month", "今月"), "month"),
        (say("This fiscal year", "今年度"), "fiscal_year"),
        (say("Last 12 months", "直近12か月"), "last_12_months"),
    )
    about = say(
        "Availability: beam delivered, of the user time that is known.",
        "稼働率：分かっている利用時間のうち、ビームが供給された割合。",
    )
    found: list[tuple[dashboard.Panel, int]] = []
    for name, period in periods:
        found.append(
            (
                figure_panel(
                    Words(f"{say('Availability', '稼働率')}: {name}", about), look, "availability_pct", period
                ),
                5,
            )
        )
    bounds = stat_panel(
        Words(
            f"{say('Bounds', '上下限')}: {say('fiscal year', '今年度')}",
            say(
                "If all unknown time had been without beam, and if all of it had been beam.",
                "不明の時間がすべて停止だった場合と、すべて供給だった場合の稼働率。",
            ),
        ),
        Look("percent", 2, say("no user time known", "利用時間の実績なし"), PLAIN),
        newest_figure('"availability_lower_pct", "availability_upper_pct"', "fiscal_year"),
        field="availability_(lower|upper)_pct",
    )
    return [*found, (bounds, 5), (simulated_panel(subject), 4)]


def _failures(subject: Subject) -> list[tuple[dashboard.Panel, int]]:
    say = subject.say
    year = say("fiscal year", "今年度")
    hours = Look("suffix:h", 1, say("no failure, or no figure yet", "故障なし・集計前"), PLAIN)
    failures = Words(
        f"{say('Failures', '故障件数')}: {year}",
        say("Outages in user time, trips left out.", "利用時間中の故障の件数（短時間停止を除く）。"),
    )
    mtbf = Words(
        f"MTBF: {year}",
        say("Mean time between failures, by the formula of the definition.", "平均故障間隔（集計定義の式による）。"),
    )
    mttr = Words(
        f"MTTR: {year}",
        say("Mean time to recover: downtime for each failure.", "平均復旧時間（故障1件あたりのダウンタイム）。"),
    )
    return [
        (_budget_left(subject), 4),
        (figure_panel(failures, count_look(subject), "failures", "fiscal_year"), 4),
        (figure_panel(mtbf, hours, "mtbf_h", "fiscal_year"), 4),
        (figure_panel(mttr, replace(hours, decimals=2), "mttr_h", "fiscal_year"), 4),
        (_user_time(subject, year), 4),
        (_coverage_of_year(subject, year), 4),
    ]


def _budget_left(subject: Subject) -> dashboard.Panel:
    say = subject.say
    words = Words(
        say("Downtime budget left", "許容停止時間の残り"),
        say(
            "Downtime that the fiscal year may still have if it is to reach the facility's target; below zero the "
            "target is missed.",
            "目標稼働率を達成するために、今年度あと許されるダウンタイム。負は未達です。",
        ),
    )
    steps = over((LOWEST, RED), (0.0, ORANGE), (5.0, GREEN))
    look = Look("suffix:h", 1, say("no target stated", "目標なし"), steps)
    return figure_panel(words, look, "downtime_budget_h", "fiscal_year")


def _user_time(subject: Subject, year: str) -> dashboard.Panel:
    say = subject.say
    words = Words(
        f"{say('User time', '利用時間')}: {year}",
        say("Planned user time of the year so far.", "今年度これまでの利用時間。"),
    )
    look = Look("suffix:h", 0, say("no user time", "利用時間なし"), PLAIN)
    return figure_panel(words, look, "user_time_h", "fiscal_year", select=USER_TIME_H)


def _coverage_of_year(subject: Subject, year: str) -> dashboard.Panel:
    say = subject.say
    words = Words(
        f"{say('Coverage', 'データ被覆率')}: {year}",
        say(
            "The part of user time in which the state of the beam is known.",
            "利用時間のうち、ビームの状態が分かっている割合。",
        ),
    )
    steps = over((0.0, RED), (95.0, ORANGE), (99.0, GREEN))
    look = Look("percent", 2, say("no user time", "利用時間なし"), steps)
    return figure_panel(words, look, "coverage_pct", "fiscal_year")


def _monthly(select: str) -> InfluxQuery:
    return InfluxQuery(select=f'"{FIELD_ID}", {select}', measurement=FIGURES, where=BY_MONTH, as_table=True)


def _fixed(name: str, color: str, label: str) -> Override:
    fixed = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=color)
    return Override(name, (("color", fixed), ("displayName", label)))


def _by_month(subject: Subject) -> dashboard.Panel:
    say = subject.say
    target = subject.profile.target_availability_pct
    about = say(
        "Availability of each month with its lower and upper bound, beside the same month a year before and the "
        "facility's target. The axis begins at 90 %.",
        "各月の稼働率と上下限、前年同月、目標値。縦軸は90 %から始まります。",
    )
    fields = f'"availability_pct", "availability_lower_pct", "availability_upper_pct", "{FIELD_YEAR_BEFORE}"'
    overrides = [
        _fixed("availability_pct", GREEN, say("availability", "稼働率")),
        _fixed("availability_lower_pct", ORANGE, say("lower bound", "下限")),
        _fixed("availability_upper_pct", BLUE, say("upper bound", "上限")),
        _fixed(FIELD_YEAR_BEFORE, GREY, say("a year before", "前年同月")),
    ]
    if target is not None:
        fields += f', "{FIELD_TARGET}"'
        overrides.append(_fixed(FIELD_TARGET, RED, say("target", "目標")))
    look = Look("percent", 2, say("no month yet", "実績なし"), PLAIN, palette=True, least=90.0, most=100.0)
    return bars_panel(
        Words(say("Availability by month", "月別稼働率"), about),
        look,
        _monthly(fields),
        x_field=FIELD_ID,
        overrides=overrides,
        hidden=("Time",),
    )


def _coverage(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Known part of the user time of each month.", "各月の利用時間のうち、状態が分かっている割合。")
    look = Look("percent", 1, say("no month yet", "実績なし"), PLAIN, least=0.0, most=100.0, palette=True)
    return bars_panel(
        Words(say("Coverage by month", "月別データ被覆率"), about),
        look,
        _monthly('"coverage_pct"'),
        x_field=FIELD_ID,
        overrides=[_fixed("coverage_pct", PURPLE, say("coverage", "データ被覆率"))],
        hidden=("Time",),
    )


def _mtbf(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "Mean time between failures of each month, with the interval that holds the true value in 95 of 100 cases if "
        "failures come at a constant rate. A month without a failure has a lower end only.",
        "各月の平均故障間隔と95 %信頼区間（故障率一定を仮定）。故障のない月は下限のみ。",
    )
    look = Look("suffix:h", 1, say("no failure", "故障なし"), PLAIN)
    return table_panel(
        Words(say("MTBF by month", "月別MTBF"), about),
        look,
        [_monthly('"failures", "mtbf_lower_h", "mtbf_h", "mtbf_upper_h"')],
        hidden=("Time",),
        renamed={
            FIELD_ID: say("month", "月"),
            "failures": say("failures", "故障件数"),
            "mtbf_lower_h": say("lower end", "区間下限"),
            "mtbf_h": "MTBF",
            "mtbf_upper_h": say("upper end", "区間上限"),
        },
        overrides=[Override("failures", (("unit", "none"), ("decimals", 0)))],
    )


def _mttr(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Failures of each month, and the mean time to recover from one.", "各月の故障件数と平均復旧時間。")
    look = Look("none", 1, say("no month yet", "実績なし"), PLAIN, palette=True, least=0.0)
    return bars_panel(
        Words(say("Failures and MTTR by month", "月別故障件数とMTTR"), about),
        look,
        _monthly('"failures", "mttr_h"'),
        x_field=FIELD_ID,
        overrides=[
            _fixed("failures", RED, say("failures", "故障件数")),
            _fixed("mttr_h", ORANGE, say("MTTR, h", "MTTR（h）")),
        ],
        hidden=("Time",),
    )


def _pareto(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = InfluxQuery(
        select='sum("user_time_s") / 3600 AS "lost_h"',
        measurement=EVENTS,
        where=(FACILITY, DEFINITION, "\"kind\" = 'no_beam'"),
        group_by='"system"',
        as_table=True,
    )
    about = say(
        "User time lost in the range of the dashboard, by the system that the incident on record names; none: no "
        "incident was recorded.",
        "表示期間に失われた利用時間（記録された系統別）。none は未記入。",
    )
    look = Look("suffix:h", 1, say("no failure in the range", "期間内の故障なし"), PLAIN, palette=True, least=0.0)
    return bars_panel(
        Words(say("Downtime by system", "系統別ダウンタイム"), about),
        look,
        query,
        x_field="system",
        horizontal=True,
        overrides=[_fixed("lost_h", RED, say("lost, h", "ダウンタイム（h）"))],
        hidden=("Time",),
        largest_first="lost_h",
    )


def _hours(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "Hours of each month in which the machine was to run, its user time, and the beam that was delivered.",
        "各月の運転時間、利用時間、供給時間。",
    )
    look = Look("suffix:h", 0, say("no month yet", "実績なし"), PLAIN, palette=True, least=0.0)
    return bars_panel(
        Words(say("Operating and user hours", "運転時間と利用時間"), about),
        look,
        _monthly(f'"operating_time_h", {USER_TIME_H}, "delivered_s" / 3600 AS "delivered_h"'),
        x_field=FIELD_ID,
        overrides=[
            _fixed("operating_time_h", GREY, say("operating", "運転")),
            _fixed("user_time_h", BLUE, say("user time", "利用")),
            _fixed("delivered_h", GREEN, say("delivered", "供給")),
        ],
        hidden=("Time",),
    )


def _use(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = InfluxQuery(
        select='last("user_time_s") / 3600 AS "user_h", last("delivered_s") / 3600 AS "delivered_h"',
        measurement=USE,
        where=(FACILITY, DEFINITION, "\"period\" = 'fiscal_year'"),
        in_range=False,
        group_by='"tag"',
        as_table=True,
    )
    about = say(
        "User time of the fiscal year by the tags of the calendar, such as shared and coalition use.",
        "今年度の利用時間（運転計画の区分別：共用・コアリションなど）。",
    )
    look = Look("suffix:h", 0, say("the calendar has no tags", "区分の記載なし"), PLAIN, palette=True, least=0.0)
    return bars_panel(
        Words(say("User hours by use", "利用区分別の時間"), about),
        look,
        query,
        x_field="tag",
        overrides=[
            _fixed("user_h", BLUE, say("user time", "利用")),
            _fixed("delivered_h", GREEN, say("delivered", "供給")),
        ],
        hidden=("Time",),
    )


def _milestones(subject: Subject) -> dashboard.Panel:
    say, profile = subject.say, subject.profile
    queries = [
        InfluxQuery(
            select=f'max("max") AS "{say("highest of the day", "日最大値")}"',
            measurement=MINUTES,
            where=(FACILITY, f"\"signal\" = '{profile.delivery_signal}'"),
            group_by="time(1d) fill(null)",
            source=DataSource.MINUTES,
            alias="$col",
        ),
        InfluxQuery(
            select=f'last("nominal") AS "{say("nominal in user operation", "利用運転の定格下限")}"',
            measurement=BEAM_STATE,
            where=(FACILITY, DEFINITION),
            group_by="time(1d) fill(previous)",
            alias="$col",
        ),
    ]
    steps: list[tuple[float | None, str]] = [(None, "transparent")]
    values = sorted({m.value for m in profile.milestones} | ({profile.target} if profile.target else set()))
    steps += [(value, color) for value, color in zip(values, (GREY, BLUE, GREEN, ORANGE), strict=False)]
    look = Look(subject.unit, 0, say("no data", "データなし"), tuple(steps), least=0.0, palette=True)
    about = say(
        "Highest value of each day and the nominal value in force, against the published milestones (dashed lines).",
        "日最大値と定格下限。破線は公表された節目の値。",
    )
    style = timeseries.FieldConfig(
        line_width=2.0,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=False,
        line_interpolation=common.LineInterpolation.STEP_AFTER,
    )
    title = say(f"{subject.label(profile.delivery)} against its milestones", f"{subject.label(profile.delivery)}と節目")
    return series_panel(Words(title, about), look, queries, style=style, thresholds=True)


def _steps(subject: Subject) -> dashboard.Panel:
    say, profile = subject.say, subject.profile
    kinds = {"user": say("user operation", "利用運転"), "demonstrated": say("demonstrated", "実証")}
    unit = profile.delivery.unit
    head = f"| {say('since', '開始')} | {subject.label(profile.delivery)} | |\n| --- | ---: | --- |\n"
    rows = [f"| {m.since:%Y-%m} | {m.value:g} {unit} | {kinds[m.kind]} |" for m in profile.milestones]
    content = head + "\n".join(rows)
    if profile.target is not None:
        content += f"\n\n{say('Target', '目標')}: {profile.target:g} {unit}"
    for name, source in profile.references.items():
        cited = source if isinstance(source, str) else say(source.en, source.ja)
        content += f"\n\n{say('Source', '出典')} ({name}): {cited}"
    about = say("Milestones as the facility's profile states and cites them.", "プロファイルに記載された節目と出典。")
    return text_panel(Words(say("Milestones", "節目"), about), content)


def _longest(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = InfluxQuery(
        select='top("user_time_s", 10) AS "user_time_s", "id", "system", "cause"',
        measurement=EVENTS,
        where=(FACILITY, DEFINITION, "\"kind\" = 'no_beam'"),
        as_table=True,
    )
    none = words([("none", say("none", "未記入"), GREY)])
    look = Look("dtdhms", 0, say("no failure in the range", "期間内の故障なし"), PLAIN, none)
    about = say("The ten failures in the range that cost most user time.", "表示期間で利用時間の損失が大きい故障10件。")
    renamed = {
        "Time": say("begins", "開始"),
        "user_time_s": say("user time lost", "失われた利用時間"),
        "system": say("system", "系統"),
        "cause": say("cause", "原因"),
        "id": say("id", "番号"),
    }
    title = say("Longest failures", "損失の大きい故障")
    return table_panel(Words(title, about), look, [query], renamed=renamed, largest_first=renamed["user_time_s"])


def _peers(subject: Subject) -> dashboard.Panel:
    say = subject.say
    rows = [
        ("NanoTerasu", "400 mA", say("about 1 year 90 days", "約1年90日")),
        ("MAX IV", "500 mA", say("about 9 years 90 days", "約9年90日")),
        ("SIRIUS", "350 mA", say("not reached", "未達")),
    ]
    content = (
        f"| {say('facility', '施設')} | {say('target', '目標')} "
        f"| {say('from start to target', '運用開始から達成まで')} |\n"
        "| --- | ---: | --- |\n" + "\n".join(f"| {a} | {b} | {c} |" for a, b, c in rows)
    )
    content += "\n\n" + say(
        "Source: briefing of the Japanese ministry (MEXT) of 12 February 2026. Your own: `kado target`.",
        "出典：文部科学省資料（2026年2月12日）。自施設の値は `kado target`。",
    )
    about = say(
        "Time from the start of operation to the target current, as published.",
        "運用開始から目標電流達成までの期間（公表値）。",
    )
    return text_panel(Words(say("Peers", "他施設との比較"), about), content)


def _ports(subject: Subject) -> dashboard.Panel:
    say, count = subject.say, subject.profile.port_count
    return stat_panel(
        Words(
            say("Beamline ports in operation", "稼働中のビームラインポート"),
            say(
                f"As the facility's profile states them: {subject.profile.operating_port_count} of {count}.",
                f"プロファイルによる：全{count}のうち{subject.profile.operating_port_count}。",
            ),
        ),
        Look(f"suffix:/ {count}", 0, say("not stated", "記載なし"), PLAIN),
        prom_query(f"sum(kado_ports{of_facility(status='operating')})"),
    )
