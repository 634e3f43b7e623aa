"""Panels that show how things are right now, from the metrics of `kado run`."""

from dashboards.look import BLUE, DARK, GREEN, GREY, ORANGE, PURPLE, RED, Look, words
from dashboards.panels import Words, stat_panel, table_panel
from dashboards.promql import prom_query
from dashboards.sdk import dashboard, stat
from dashboards.subject import Subject

NO_ANSWER = 1e9
"""Stands for the age of data where Prometheus has none: it must look old, not empty."""


def of_facility(**labels: str) -> str:
    """Return the label selector of the chosen facility, and of further labels."""
    return "{" + ",".join(f'{name}="{value}"' for name, value in {"facility": "$facility", **labels}.items()) + "}"


def of_delivery(subject: Subject) -> str:
    """Return the label selector of its delivery signal."""
    return of_facility(signal=subject.profile.delivery_signal)


def beam_words(subject: Subject) -> tuple[dashboard.ValueMapping, ...]:
    """Return the beam's states as metrics and series name them."""
    say = subject.say
    return words(
        [
            ("up", say("BEAM", "供給中"), GREEN),
            ("low", say("LOW BEAM", "低電流"), ORANGE),
            ("none", say("NO BEAM", "ビーム停止"), RED),
            ("unknown", say("UNKNOWN", "不明"), PURPLE),
            ("outside", say("not user time", "利用時間外"), GREY),
            ("3", say("BEAM", "供給中"), GREEN),
            ("2", say("LOW BEAM", "低電流"), ORANGE),
            ("1", say("NO BEAM", "ビーム停止"), RED),
            ("0", say("UNKNOWN", "不明"), PURPLE),
        ]
    )


def plan_words(subject: Subject) -> tuple[dashboard.ValueMapping, ...]:
    """Return the categories of the calendar, and the modes of the machine, for people."""
    say = subject.say
    return words(
        [
            ("user", say("user", "利用運転"), GREEN),
            ("reserve", say("reserve", "予備"), "dark-green"),
            ("study", say("study", "マシンスタディ"), BLUE),
            ("tuning", say("tuning", "調整"), "light-blue"),
            ("commissioning", say("commissioning", "立上げ調整"), "semi-dark-blue"),
            ("maintenance", say("maintenance", "保守"), "yellow"),
            ("shutdown", say("shutdown", "停止期間"), GREY),
            ("unscheduled", say("nothing planned", "計画なし"), DARK),
            ("refill", say("refill", "入射"), "light-green"),
        ]
    )


def beam_state_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return whether there is beam."""
    expression = " or ".join(
        [
            f"max(3 * (kado_beam_state{of_facility(state='up')} == 1))",
            f"max(2 * (kado_beam_state{of_facility(state='low')} == 1))",
            f"max(kado_beam_state{of_facility(state='none')} == 1)",
            "vector(0)",
        ]
    )
    look = Look(
        "none", 0, subject.say("UNKNOWN", "不明"), ((None, PURPLE), (1, RED), (2, ORANGE), (3, GREEN)),
        beam_words(subject),
    )  # fmt: skip
    title = subject.say("Beam", "ビーム")
    about = subject.say(
        "Is beam delivered right now? Unknown as well when kado or Prometheus does not answer.",
        "現在ビームが供給されているか。kado または Prometheus が応答しないときも「不明」です。",
    )
    return stat_panel(Words(title, about), look, prom_query(expression), size=size, background=True)


def state_age_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return how long the beam has been in its state."""
    query = prom_query(f"time() - max(kado_beam_state_since_timestamp_seconds{of_facility()})")
    look = Look("dtdhms", 0, subject.say("not known", "不明"), ((None, BLUE),))
    about = subject.say(
        "How long the beam has been in the state shown beside; not known where that began before this month.",
        "左の状態が続いている時間。今月より前から続く場合は「不明」。",
    )
    return stat_panel(Words(subject.say("In this state for", "継続時間"), about), look, query, size=size)


def current_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return the newest good value of the delivery signal."""
    signal = subject.profile.delivery
    steps = subject.profile.limit_steps[-1]
    look = Look(
        subject.unit,
        1,
        subject.say("NO DATA", "データなし"),
        ((None, RED), (steps.minimum, ORANGE), (steps.tolerance, GREEN)),
    )
    about = subject.say(
        f"Newest good value of {signal.id}. Green from the tolerance of the newest limits of the profile on, red below "
        "their minimum. Empty once the value holds no more.",
        f"{signal.id} の最新の正常値。プロファイルの最新の限界値に基づき、許容下限以上は緑、最小値未満は赤。"
        "値が有効期限を過ぎると表示されません。",
    )
    query = prom_query(f"max(kado_signal_value{of_delivery(subject)})")
    return stat_panel(Words(subject.label(signal), about), look, query, size=size)


def age_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return the age of the data, in a colour that cannot be missed."""
    stale = subject.stale_after_s
    expression = f"(time() - max(kado_signal_good_timestamp_seconds{of_delivery(subject)})) or vector({NO_ANSWER:.0f})"
    look = Look(
        "s",
        1,
        subject.say("NO DATA", "データなし"),
        ((None, GREEN), (stale / 2, ORANGE), (stale, RED)),
        words([(f"{NO_ANSWER:.0f}", subject.say("NO DATA", "データなし"), RED)]),
    )
    about = subject.say(
        f"Age of the newest good sample of {subject.profile.delivery_signal}. Red from {stale:g} s on: then nothing on "
        "this screen says what the beam is. NO DATA: kado or Prometheus does not answer.",
        f"{subject.profile.delivery_signal} の最新の正常サンプルからの経過時間。{stale:g} 秒以上は赤で、"
        "この画面はビームの状態を示していません。「データなし」は kado または Prometheus の応答なしです。",
    )
    title = subject.say("Age of the data", "データの古さ")
    return stat_panel(Words(title, about), look, prom_query(expression), size=size, background=True)


def simulated_panel(subject: Subject) -> dashboard.Panel:
    """Return a warning where the facility is simulated."""
    expression = f"count(kado_build_info{of_facility(simulated='true')}) or vector(0)"
    look = Look(
        "none",
        0,
        subject.say("not known", "不明"),
        ((None, DARK), (1, PURPLE)),
        words([("0", subject.say("real data", "実データ"), DARK), ("1", "SIMULATED / 模擬データ", PURPLE)]),
    )
    about = subject.say(
        "Whether the samples come from a real machine or from a simulator.",
        "サンプルが実機のものか、シミュレーターのものか。",
    )
    return stat_panel(
        Words(subject.say("Origin", "データの種類"), about), look, prom_query(expression), background=True
    )


def plan_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return what is planned now."""
    named = plan_words(subject)
    query = prom_query(f"kado_plan{of_facility()} == 1", "{{category}}")
    look = Look("none", 0, subject.say("not known", "不明"), ((None, BLUE),), named)
    about = subject.say("What the operation calendar says about now.", "運転計画による現在の区分。")
    panel = stat_panel(Words(subject.say("Planned", "計画"), about), look, query, size=size)
    return _label_as_value(panel, "category")


def mode_panel(subject: Subject, *, size: int = 0) -> dashboard.Panel:
    """Return the machine's own mode."""
    signal = subject.profile.mode_signal or "machine_mode"
    query = prom_query(f"kado_signal_state{of_facility(signal=signal)} == 1", "{{word}}")
    look = Look("none", 0, subject.say("not known", "不明"), ((None, BLUE),), plan_words(subject))
    about = subject.say(
        f"The mode that the machine itself states ({signal}); compare it with the plan.",
        f"加速器側が示す運転モード（{signal}）。計画と見比べます。",
    )
    panel = stat_panel(Words(subject.say("Machine mode", "運転モード"), about), look, query, size=size)
    return _label_as_value(panel, "word")


def alarms_panel(subject: Subject) -> dashboard.Panel:
    """Return the alarms that are on."""
    say = subject.say
    named = words(
        [
            ("2", say("over, not acknowledged", "復帰・未確認"), ORANGE),
            ("3", say("acknowledged", "確認済み"), BLUE),
            ("4", say("NOT ACKNOWLEDGED", "未確認"), RED),
            ("critical", say("critical", "緊急"), RED),
            ("high", say("high", "高"), ORANGE),
            ("medium", say("medium", "中"), "yellow"),
            ("low", say("low", "低"), BLUE),
        ]
    )
    look = Look("none", 0, say("no alarm is on", "発報中の警報はありません"), ((None, BLUE),), named)
    query = prom_query(f"kado_alarm_state{of_facility()} >= 2 < 5", as_table=True)
    about = say(
        "Alarms that are active, and those that are over and not yet acknowledged. Acknowledge them on kado's page or "
        "with kado alarms ack; Grafana cannot.",
        "発報中の警報と、復帰済みで未確認の警報。確認操作は kado のページまたは kado alarms ack で行います。",
    )
    return table_panel(
        Words(say("Active alarms", "発報中の警報"), about),
        look,
        [query],
        hidden=("Time", "__name__", "facility", "instance", "job"),
        renamed={
            "Value": say("state", "状態"),
            "priority": say("priority", "優先度"),
            "alarm": say("alarm", "警報"),
            "class": say("class", "分類"),
        },
    )


def _label_as_value(panel: dashboard.Panel, label: str) -> dashboard.Panel:
    """Show a label of the one series there is instead of its number."""
    panel.transformations = [
        dashboard.DataTransformerConfig(id_val="labelsToFields", options={"mode": "columns", "keepLabels": [label]})
    ]
    assert isinstance(panel.options, stat.Options)
    assert panel.options.reduce_options is not None
    panel.options.reduce_options.fields = f"/^{label}$/"
    return panel
