"""What an engineer looks into: every signal with its gaps, and the way of the samples through kado."""

from dashboards.data_sources import DataSource
from dashboards.frame import Frame, build_dashboard, query_variable
from dashboards.influxql import FACILITY, RECENT, InfluxQuery
from dashboards.layout import row
from dashboards.look import BLUE, GREEN, LOWEST, ORANGE, RED, Look, over, words
from dashboards.now import of_facility, simulated_panel
from dashboards.panels import Override, Words, series_panel, stat_panel, table_panel, timeline_panel
from dashboards.promql import prom_query
from dashboards.sdk import common, dashboard, timeseries
from dashboards.subject import Subject
from facility.schema import MINUTES, TELEMETRY

PLAIN: tuple[tuple[float | None, str], ...] = ((None, BLUE),)
OF_SIGNAL = "\"signal\" = '${signal}'"


def engineers(subject: Subject) -> dashboard.Dashboard:
    """Return the dashboard for the engineers who run kado and maintain its signals."""
    say, profile = subject.say, subject.profile
    signal = query_variable(
        "signal",
        say("Signal", "信号"),
        DataSource.TELEMETRY,
        f'SHOW TAG VALUES FROM "{TELEMETRY}" WITH KEY = "signal" WHERE {FACILITY}',
        profile.delivery_signal,
    )
    frame = Frame(
        name="engineers",
        title=say("kado: engineering", "kado：技術"),
        description=say(
            "Every signal, its gaps, and how samples get into the store.", "各信号、欠測、データ収集系の状態。"
        ),
        since="now-24h",
        refresh="30s",
        variables=(signal,),
    )
    return build_dashboard(
        subject,
        frame,
        [
            row(9, (_signal(subject), 24)),
            row(6, (_known(subject), 8), (_bands(subject), 8), (_quality(subject), 8)),
            row(7, (_not_good(subject), 12), (_ages(subject), 12)),
            row(6, (_links(subject), 12), (_rates(subject), 12)),
            row(6, (_rejected(subject), 8), (_conflicts(subject), 8), (_dead_letters(subject), 8)),
            row(6, (_commit_time(subject), 8), (_fill(subject), 8), (_queued(subject), 8)),
            row(6, (_backlog(subject), 8), (_lag(subject), 8), (_answers(subject), 8)),
            row(4, *_upkeep(subject)),
            row(6, (_process(subject), 8), (_memory(subject), 8), (_alerts(subject), 8)),
        ],
    )


def _signal(subject: Subject) -> dashboard.Panel:
    say = subject.say
    mean, least, most = say("mean", "平均"), say("lowest", "最小"), say("highest", "最大")
    each = "time($__interval) fill(null)"
    queries = [
        InfluxQuery(
            select=f'mean("mean") AS "{mean}", min("min") AS "{least}", max("max") AS "{most}"',
            measurement=MINUTES, where=(FACILITY, OF_SIGNAL), group_by=each, source=DataSource.MINUTES, alias="$col",
        ),
        InfluxQuery(
            select=f'mean("value") AS "{mean}, {say("today", "当日")}", min("value") AS '
            f'"{least}, {say("today", "当日")}", max("value") AS "{most}, {say("today", "当日")}"',
            measurement=TELEMETRY, where=(FACILITY, OF_SIGNAL, RECENT), group_by=each, source=DataSource.TELEMETRY,
            alias="$col",
        ),
    ]  # fmt: skip
    about = say(
        "The chosen signal, mean with lowest and highest value of each interval: from the minutes for days that are "
        "over, from the samples of the last two days for the rest. A gap in the line is a gap in the data.",
        "選択した信号の区間平均・最小・最大。終了した日は1分値、直近2日はサンプルから。線の切れ目は欠測です。",
    )
    look = Look("none", 2, say("no data", "データなし"), PLAIN, palette=True)
    return series_panel(
        Words(say("Signal ${signal}", "信号 ${signal}"), about),
        look,
        queries,
        overrides=[_line(f"{mean}.*", GREEN, 2.0), _line(f"{least}.*", ORANGE), _line(f"{most}.*", BLUE)],
    )


def _line(name: str, color: str, width: float = 1.0) -> Override:
    fixed = dashboard.FieldColor(mode=dashboard.FieldColorModeId.FIXED, fixed_color=color)
    return Override(name, (("color", fixed), ("custom.lineWidth", width)))


def _known(subject: Subject) -> dashboard.Panel:
    say = subject.say
    known = say("known", "データあり")
    query = InfluxQuery(
        select=f'sum("known") / (count("known") * 600000000) AS "{known}"',
        measurement=MINUTES,
        where=(FACILITY, OF_SIGNAL),
        group_by="time($__interval) fill(0)",
        source=DataSource.MINUTES,
        alias="$col",
    )
    about = say(
        "Part of each minute, averaged, in which a sample of the chosen signal held; for days that are over. Below "
        "100 % there are gaps.",
        "選択した信号の値が有効であった時間の割合（終了した日）。100 % 未満は欠測を含みます。",
    )
    look = Look("percent", 1, say("no minutes yet", "1分値なし"), ((None, RED), (99.0, GREEN)), least=0.0, most=100.0)
    style = timeseries.FieldConfig(
        line_width=1.0,
        fill_opacity=40,
        show_points=common.VisibilityMode.NEVER,
        gradient_mode=common.GraphGradientMode.SCHEME,
    )
    return series_panel(
        Words(say("Known part of ${signal}", "${signal} のデータ被覆率"), about), look, [query], style=style
    )


def _quality(subject: Subject) -> dashboard.Panel:
    say = subject.say
    names = {"good": say("good", "正常"), "uncertain": say("uncertain", "不確か"), "bad": say("bad", "異常")}
    queries = [
        InfluxQuery(
            select=f'count("quality") AS "{name}"',
            measurement=TELEMETRY,
            where=(FACILITY, OF_SIGNAL, f"\"quality\" = '{word}'", RECENT),
            group_by="time($__interval) fill(0)",
            source=DataSource.TELEMETRY,
            alias="$col",
        )
        for word, name in names.items()
    ]
    about = say(
        "Samples of the chosen signal by quality, of the last two days, stacked. An empty stretch is a gap.",
        "直近2日の選択した信号のサンプル数（品質別、積上げ）。空白は欠測です。",
    )
    style = timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS,
        line_width=0.0,
        fill_opacity=80,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A"),
    )
    colors = dict(zip(names.values(), (GREEN, ORANGE, RED), strict=True))
    return series_panel(
        Words(say("Samples of ${signal} by quality", "${signal} の品質別サンプル数"), about),
        Look("none", 0, say("no samples", "サンプルなし"), PLAIN, palette=True, least=0.0),
        queries,
        overrides=[_line(name, color) for name, color in colors.items()],
        style=style,
    )


def _bands(subject: Subject) -> dashboard.Panel:
    say = subject.say
    qualities = (
        ("good", say("good", "正常"), GREEN),
        ("uncertain", say("uncertain", "不確か"), ORANGE),
        ("bad", say("bad", "異常"), RED),
    )
    queries = [
        InfluxQuery(
            # Null where there is no sample of that quality; a count would be 0.
            select=f'last("quality") AS "{name}"',
            measurement=TELEMETRY,
            where=(FACILITY, OF_SIGNAL, f"\"quality\" = '{word}'", RECENT),
            group_by="time($__interval) fill(null)",
            source=DataSource.TELEMETRY,
            alias="$col",
        )
        for word, name, _ in qualities
    ]
    about = say(
        "Where the chosen signal had samples in the last two days, a lane for each quality. Where no lane is filled "
        "there was none: a gap, unless the signal is sent on change only.",
        "直近2日に選択した信号のサンプルがあった区間（品質別）。どの帯もない区間は欠測です（変化時のみ送られる信号を除く）。",
    )
    look = Look(
        "none",
        0,
        say("no samples", "サンプルなし"),
        PLAIN,
        words(list(qualities)),
    )
    title = say("Quality and gaps of ${signal}", "${signal} の品質と欠測")
    return timeline_panel(Words(title, about), look, queries)


def _not_good(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = InfluxQuery(
        select='"value", "state", "quality", "reason"',
        measurement=TELEMETRY,
        where=(FACILITY, OF_SIGNAL, "\"quality\" != 'good'", RECENT),
        order="ORDER BY time DESC LIMIT 100",
        source=DataSource.TELEMETRY,
        as_table=True,
    )
    look = Look("none", 3, say("all samples are good", "すべて正常"), PLAIN)
    about = say(
        "The newest samples of the last two days that are not good, with the source's own reason.",
        "直近2日の正常でない最新サンプルと、その理由。",
    )
    renamed = {
        "Time": say("time", "時刻"),
        "value": say("value", "値"),
        "state": say("state", "状態"),
        "quality": say("quality", "品質"),
        "reason": say("reason", "理由"),
    }
    title = say("Samples of ${signal} that are not good", "${signal} の正常でないサンプル")
    return table_panel(Words(title, about), look, [query], renamed=renamed)


def _ages(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = prom_query(f"time() - kado_signal_timestamp_seconds{of_facility()}", as_table=True)
    look = Look("s", 0, say("no signal seen", "受信なし"), ((None, GREEN), (120.0, ORANGE), (3600.0, RED)))
    about = say(
        "Age of the newest sample of each signal, whatever its quality. What is sent on change only may be old.",
        "各信号の最新サンプルからの経過時間（品質を問わない）。変化時のみ送られる信号は古くてもかまいません。",
    )
    return table_panel(
        Words(say("Age of every signal", "各信号の古さ"), about),
        look,
        [query],
        hidden=("Time", "__name__", "facility", "instance", "job"),
        renamed={"signal": say("signal", "信号"), "Value": say("age", "経過時間")},
        overrides=[
            Override("Value", (("custom.cellOptions", {"type": "color-background", "mode": "basic"}),)),
        ],
    )


def _links(subject: Subject) -> dashboard.Panel:
    say = subject.say
    named = words(
        [
            ("2", say("connected", "接続済み"), GREEN),
            ("1", say("connecting", "接続中"), ORANGE),
            ("0", say("down", "切断"), RED),
        ]
    )
    up, connecting = of_facility(state="up"), of_facility(state="connecting")
    # One for each source, though for minutes there may be two: after a move of kado to another address.
    states = f"2 * max by (source) (kado_source_link{up}) + max by (source) (kado_source_link{connecting})"
    expression = f"clamp_max({states}, 2)"
    look = Look("none", 0, say("no source", "ソースなし"), ((None, RED), (1, ORANGE), (2, GREEN)), named)
    about = say("Whether each source can be heard.", "各ソースを受信できているか、接続の状態。")
    query = prom_query(expression, "{{source}}", over_time=True)
    return timeline_panel(Words(say("Links of the sources", "ソースの接続"), about), look, [query])


def _over_time(
    words_: Words, look: Look, *queries: tuple[str, str], style: timeseries.FieldConfig | None = None
) -> dashboard.Panel:
    asked = [prom_query(expression, legend, over_time=True) for expression, legend in queries]
    return series_panel(words_, look, asked, style=style)


def _rates(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = f"sum by (source) (rate(kado_source_samples_received_total{of_facility()}[$__rate_interval]))"
    about = say("Samples received from each source.", "各ソースから受信したサンプル数。")
    look = Look("suffix:/s", 1, say("nothing received", "受信なし"), PLAIN, palette=True, least=0.0)
    return _over_time(Words(say("Samples received", "受信サンプル"), about), look, (query, "{{source}}"))


def _rejected(subject: Subject) -> dashboard.Panel:
    say = subject.say
    query = (
        f"sum by (source, cause) (increase(kado_source_samples_rejected_total{of_facility()}[$__rate_interval])"
        f" or increase(kado_source_samples_dropped_total{of_facility()}[$__rate_interval]))"
    )
    about = say(
        "Samples that were rejected or dropped, by cause; kado ledger names them all.",
        "受け入れられなかったサンプルと破棄されたサンプル（原因別）。",
    )
    look = Look("none", 0, say("none rejected", "拒否なし"), PLAIN, palette=True, least=0.0)
    title = say("Rejected and dropped", "拒否・破棄")
    return _over_time(Words(title, about), look, (query, "{{source}} {{cause}}"))


def _conflicts(subject: Subject) -> dashboard.Panel:
    say = subject.say
    selector = of_facility()
    about = say(
        "Samples that came again with another value for the same signal and time; the later one is kept.",
        "同じ信号・時刻で異なる値が再送されたサンプル。後のものが残ります。",
    )
    look = Look("none", 0, say("no conflict", "不一致なし"), PLAIN, palette=True, least=0.0)
    query = f"sum by (source) (increase(kado_source_samples_conflicting_total{selector}[$__rate_interval]))"
    return _over_time(Words(say("Conflicts", "値の不一致"), about), look, (query, "{{source}}"))


def _dead_letters(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "Rejected payloads that are kept, by cause; once the mapping is corrected they can be replayed.",
        "保管されている拒否データ（原因別）。割り当てを直せば再投入できます。",
    )
    look = Look("none", 0, say("no dead letters", "保管なし"), PLAIN, palette=True, least=0.0)
    query = f"sum by (cause) (kado_dead_letters{of_facility()})"
    return _over_time(Words(say("Dead letters", "保管された拒否データ"), about), look, (query, "{{cause}}"))


def _commit_time(subject: Subject) -> dashboard.Panel:
    say, selector = subject.say, of_facility()
    rate = f"sum by (le) (rate(kado_landing_commit_seconds_bucket{selector}[$__rate_interval]))"
    about = say("How long it takes to make a batch durable on the disk.", "1回の書き込みをディスクに確定する時間。")
    look = Look("s", 3, say("nothing written", "書き込みなし"), ((None, GREEN), (1.0, RED)), palette=True, least=0.0)
    return _over_time(
        Words(say("Commit time", "書き込み時間"), about),
        look,
        (f"histogram_quantile(0.5, {rate})", say("half below", "中央値")),
        (f"histogram_quantile(0.99, {rate})", say("99 % below", "99 %")),
    )


def _fill(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "How much of the space that telemetry.db may use is used; at 100 % the sources have to wait.",
        "telemetry.db の使用率。100 % でソースが待たされます。",
    )
    steps = ((None, GREEN), (80.0, ORANGE), (95.0, RED))
    look = Look("percent", 1, say("not known", "不明"), steps, palette=True, least=0.0, most=100.0)
    query = (f"100 * kado_landing_fill_ratio{of_facility()}", say("used", "使用率"))
    return _over_time(Words(say("Landing", "受け入れファイル"), about), look, query)


def _queued(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Samples that were received and are not durable yet.", "受信済みで、まだ確定していないサンプル数。")
    look = Look("none", 0, say("not known", "不明"), PLAIN, palette=True, least=0.0)
    query = (f"kado_landing_queued_samples{of_facility()}", say("queued", "待ち"))
    return _over_time(Words(say("Queued in memory", "メモリ内の待ち"), about), look, query)


def _backlog(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "Samples that are durable here and not yet in InfluxDB.",
        "確定済みで、まだ InfluxDB に送られていないサンプル数。",
    )
    look = Look(
        "none", 0, say("embedded store: nothing to forward", "内蔵ストア：転送なし"), PLAIN, palette=True, least=0.0
    )
    query = (f"kado_forwarder_backlog_samples{of_facility()}", say("waiting", "待ち"))
    return _over_time(Words(say("Forwarder backlog", "転送待ち"), about), look, query)


def _lag(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Age of the oldest sample that waits for InfluxDB.", "最も古い転送待ちサンプルの経過時間。")
    steps = ((None, GREEN), (60.0, ORANGE), (600.0, RED))
    look = Look(
        "s", 1, say("embedded store: nothing to forward", "内蔵ストア：転送なし"), steps, palette=True, least=0.0
    )
    query = (f"kado_forwarder_lag_seconds{of_facility()}", say("lag", "遅れ"))
    return _over_time(Words(say("Forwarder lag", "転送の遅れ"), about), look, query)


def _answers(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say(
        "What InfluxDB answers to the forwarder; anything but 2xx is tried again or held.",
        "転送に対する InfluxDB の応答。2xx 以外は再送または保留されます。",
    )
    look = Look(
        "suffix:/s",
        2,
        say("embedded store: nothing to forward", "内蔵ストア：転送なし"),
        PLAIN,
        palette=True,
        least=0.0,
    )
    query = f"sum by (class) (rate(kado_forwarder_answers_total{of_facility()}[$__rate_interval]))"
    return _over_time(Words(say("Answers of InfluxDB", "InfluxDB の応答"), about), look, (query, "{{class}}"))


def _upkeep(subject: Subject) -> list[tuple[dashboard.Panel, int]]:
    say, selector = subject.say, of_facility()
    none, ok = say("not known", "不明"), over((LOWEST, GREEN), (1.0, RED))
    panels = [
        (
            say("Ledger difference", "台帳の差"),
            say(
                "Samples that the ledger does not account for; must be 0.",
                "行方の分からないサンプル数。0であるべき値です。",
            ),
            Look("none", 0, none, ok),
            f"kado_ledger_difference_samples{selector}",
        ),
        (
            say("Backup age", "バックアップの古さ"),
            say("Since the last backup that was completed.", "最後に完了したバックアップからの時間。"),
            Look(
                "dtdhms",
                0,
                say("no backup yet", "バックアップなし"),
                over((LOWEST, GREEN), (172_800.0, ORANGE), (691_200.0, RED)),
            ),
            f"time() - kado_backup_timestamp_seconds{selector}",
        ),
        (
            say("Disk left", "ディスク残量"),
            say("Free part of the disk that holds the data directory.", "データ用ディスクの空き。"),
            Look("percent", 1, none, over((0.0, RED), (10.0, ORANGE), (20.0, GREEN)), least=0.0, most=100.0),
            f"100 * kado_disk_free_bytes{selector} / kado_disk_size_bytes{selector}",
        ),
        (
            say("Age of the figures", "集計値の古さ"),
            say("Since the figures were last computed.", "最後の集計からの時間。"),
            Look("s", 0, none, over((LOWEST, GREEN), (60.0, ORANGE), (300.0, RED))),
            f"time() - kado_figures_timestamp_seconds{selector}",
        ),
    ]
    shown = [(stat_panel(Words(title, about), look, prom_query(query)), 5) for title, about, look, query in panels]
    return [*shown, (simulated_panel(subject), 4)]


def _process(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Processor time that kado uses; 1 is one core.", "kado のプロセッサ使用量（1 = 1コア）。")
    look = Look("none", 2, say("not known", "不明"), PLAIN, palette=True, least=0.0)
    own = f"on (instance, job) group_left max by (instance, job) (kado_build_info{of_facility()})"
    query = f"rate(process_cpu_seconds_total[$__rate_interval]) * {own}"
    return _over_time(Words(say("Processor", "プロセッサ"), about), look, (query, "kado"))


def _memory(subject: Subject) -> dashboard.Panel:
    say = subject.say
    about = say("Resident memory of kado.", "kado の常駐メモリ。")
    look = Look("bytes", 1, say("not known", "不明"), PLAIN, palette=True, least=0.0)
    own = f"on (instance, job) group_left max by (instance, job) (kado_build_info{of_facility()})"
    query = f"process_resident_memory_bytes * {own}"
    return _over_time(Words(say("Memory", "メモリ"), about), look, (query, "kado"))


def _alerts(subject: Subject) -> dashboard.Panel:
    say = subject.say
    look = Look("none", 0, say("no alert fires", "発報中のアラートはありません"), PLAIN)
    about = say("What Prometheus' rules say of kado itself.", "kado 自身に関する Prometheus のアラート。")
    return table_panel(
        Words(say("Alerts on kado", "kado のアラート"), about),
        look,
        [prom_query('ALERTS{alertstate="firing"}', as_table=True)],
        hidden=("Time", "__name__", "alertstate", "instance", "job", "facility", "Value", "role"),
        renamed={"alertname": say("alert", "アラート"), "severity": say("severity", "重大度")},
    )
