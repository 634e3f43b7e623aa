"""Rules for kado itself: is it there, do samples get into the store, do the figures follow."""

from typing import Final

from dashboards.rules.rule import Alert, Group, Recording
from facility.text import Text

IN_USER_TIME: Final = 'and on (facility) kado_plan{category=~"user|reserve"} == 1'
"""Armed by the calendar: silent in shutdown, study, maintenance and where nothing is planned."""

RECORDINGS: Final = (
    Recording(
        "facility_source:kado_source_samples_received:rate5m",
        "sum by (facility, source) (rate(kado_source_samples_received_total[5m]))",
    ),
    Recording(
        "facility:kado_source_samples_rejected:ratio_rate1h",
        "sum by (facility) (rate(kado_source_samples_rejected_total[1h]))"
        " / (sum by (facility) (rate(kado_source_samples_received_total[1h])) > 0)",
    ),
    Recording(
        "facility:kado_landing_commit_seconds:p99_5m",
        "histogram_quantile(0.99, sum by (facility, le) (rate(kado_landing_commit_seconds_bucket[5m])))",
    ),
)

ALERTS: Final = (
    Alert(
        name="KadoDown",
        expression='up{job="kado"} == 0 or absent(up{job="kado"})',
        lasts="1m",
        severity="critical",
        role="engineers",
        summary=Text(en="kado does not answer", ja="kado が応答しません"),
        meaning=Text(
            en="Prometheus gets no metrics from kado: nothing is collected, and no alarm of kado can be raised.",
            ja="Prometheus が kado のメトリクスを取得できません。収集も警報も止まっている可能性があります。",
        ),
        action=Text(
            en="Look at the service (systemctl status kado) and its log; start it. A replayable source delivers what "
            "waited.",
            ja="サービスの状態とログを確認し、起動してください。再送できるソースは待っていたデータを送り直します。",
        ),
    ),
    Alert(
        name="KadoNotReady",
        expression="kado_ready == 0",
        lasts="5m",
        severity="high",
        role="engineers",
        summary=Text(en="kado runs and is not ready", ja="kado は動作中ですが準備ができていません"),
        meaning=Text(
            en="A source is not linked, landing does not take samples, the store does not answer, or the figures are "
            "old.",
            ja="ソース未接続、受け入れ停止、ストア応答なし、集計の遅れのいずれかです。",
        ),
        action=Text(
            en="Ask /readyz on the metrics address: it names the reasons.",
            ja="メトリクスのアドレスの /readyz に理由が表示されます。",
        ),
    ),
    Alert(
        name="KadoSourceLinkDown",
        expression=f'kado_source_link{{state="up"}} == 0 {IN_USER_TIME}',
        lasts="1m",
        severity="high",
        role="engineers",
        summary=Text(
            en="Source {{ $labels.source }} of {{ $labels.facility }} is not connected",
            ja="{{ $labels.facility }} のソース {{ $labels.source }} が切断されています",
        ),
        meaning=Text(
            en="Samples of this source do not arrive; the time is unknown in the figures unless the source delivers "
            "them later.",
            ja="このソースのサンプルが届いていません。後から届かない限り、その時間は「不明」になります。",
        ),
        action=Text(
            en="See kado status for the last error; check broker, network and credentials of the source.",
            ja="kado status で最後のエラーを確認し、ブローカー、ネットワーク、認証情報を調べてください。",
        ),
    ),
    Alert(
        name="KadoDataStale",
        expression=f"kado_delivery_age_seconds > kado_delivery_stale_after_seconds {IN_USER_TIME}",
        lasts="30s",
        severity="high",
        role="operators",
        summary=Text(
            en="No fresh {{ $labels.signal }} of {{ $labels.facility }}",
            ja="{{ $labels.facility }} の {{ $labels.signal }} が更新されていません",
        ),
        meaning=Text(
            en="The newest good sample of the delivery signal holds no more: kado cannot say whether there is beam.",
            ja="供給信号の最新の正常サンプルが期限切れで、ビームの有無が分かりません。",
        ),
        action=Text(
            en="Watch the beam with the machine's own instruments; check the monitor (DCCT) and its source.",
            ja="加速器側の計器で監視し、電流モニター（DCCT）とソースを確認してください。",
        ),
    ),
    Alert(
        name="KadoLandingFilling",
        expression="kado_landing_fill_ratio > 0.8",
        lasts="5m",
        severity="high",
        role="engineers",
        summary=Text(
            en="telemetry.db of {{ $labels.facility }} is {{ $value | humanizePercentage }} full",
            ja="{{ $labels.facility }} の telemetry.db の使用率が {{ $value | humanizePercentage }} です",
        ),
        meaning=Text(
            en="At 100 % the sources have to wait, and what cannot wait is dropped and counted.",
            ja="100 % になるとソースが待たされ、待てないデータは破棄・計数されます。",
        ),
        action=Text(
            en="With InfluxDB see why the forwarder does not deliver; else seal or raise [landing] max_bytes.",
            ja="InfluxDB の場合は転送が止まった理由を確認。それ以外はシールするか [landing] max_bytes を増やします。",
        ),
    ),
    Alert(
        name="KadoForwarderHeld",
        expression='kado_forwarder_state{state="holding"} == 1',
        lasts="1m",
        severity="medium",
        role="engineers",
        summary=Text(
            en="Forwarding to InfluxDB is held ({{ $labels.facility }})",
            ja="InfluxDB への転送が保留されています（{{ $labels.facility }}）",
        ),
        meaning=Text(
            en="InfluxDB refuses kado's token or lacks the bucket. Nothing is lost: samples wait in telemetry.db.",
            ja="InfluxDB がトークンを拒否しているか、バケットがありません。データは telemetry.db で待っています。",
        ),
        action=Text(
            en="See kado status for the reason; correct token or bucket. Forwarding goes on by itself.",
            ja="kado status で理由を確認し、トークンまたはバケットを直してください。転送は自動で再開します。",
        ),
    ),
    Alert(
        name="KadoForwarderLate",
        expression="kado_forwarder_lag_seconds > 900",
        lasts="5m",
        severity="medium",
        role="engineers",
        summary=Text(
            en="Samples wait {{ $value | humanizeDuration }} for InfluxDB ({{ $labels.facility }})",
            ja="InfluxDB への転送が {{ $value | humanizeDuration }} 遅れています（{{ $labels.facility }}）",
        ),
        meaning=Text(
            en="InfluxDB is down or too slow; Grafana and the figures lag behind by as much.",
            ja="InfluxDB が停止しているか遅く、Grafana と集計がその分遅れています。",
        ),
        action=Text(
            en="Look at InfluxDB's log, disk and load.", ja="InfluxDB のログ、ディスク、負荷を確認してください。"
        ),
    ),
    Alert(
        name="KadoLedgerNotClosing",
        expression="kado_ledger_difference_samples != 0",
        lasts="5m",
        severity="high",
        role="engineers",
        summary=Text(
            en="The ledger of {{ $labels.facility }} does not close",
            ja="{{ $labels.facility }} の台帳が一致しません",
        ),
        meaning=Text(
            en="{{ $value }} received samples are neither stored, waiting, rejected nor dropped.",
            ja="受信した {{ $value }} サンプルの行方が記録されていません。",
        ),
        action=Text(
            en="Run kado ledger --verify, keep its output, and report it: this is a defect.",
            ja="kado ledger --verify を実行し、結果を保存して報告してください（不具合です）。",
        ),
    ),
    Alert(
        name="KadoBackupOld",
        expression="time() - (kado_backup_timestamp_seconds or kado_data_begun_timestamp_seconds) > 8 * 86400",
        lasts="1h",
        severity="low",
        role="engineers",
        summary=Text(
            en="No recent backup of {{ $labels.facility }} ({{ $value | humanizeDuration }})",
            ja="{{ $labels.facility }} の最近のバックアップがありません（{{ $value | humanizeDuration }}）",
        ),
        meaning=Text(
            en="If the disk is lost, everything since the last backup is lost that the sources do not deliver again; "
            "without any backup, everything since kado began to collect.",
            ja="ディスクを失うと、最後のバックアップ以降（一度もなければ収集開始以降）のデータのうち、再送されないものが失われます。",
        ),
        action=Text(
            en="Run kado store backup, and see why it did not run by itself.",
            ja="kado store backup を実行し、定期実行されなかった理由を調べてください。",
        ),
    ),
    Alert(
        name="KadoDiskFilling",
        expression="kado_disk_free_bytes / kado_disk_size_bytes < 0.1"
        " or predict_linear(kado_disk_free_bytes[6h], 4 * 86400) < 0",
        lasts="15m",
        severity="medium",
        role="engineers",
        summary=Text(
            en="The disk of {{ $labels.facility }} is filling", ja="{{ $labels.facility }} のディスク残量が減っています"
        ),
        meaning=Text(
            en="Less than a tenth is free, or nothing will be in four days at the rate of the last six hours.",
            ja="空きが1割未満、または直近6時間の増加が続くと4日以内に満杯になります。",
        ),
        action=Text(
            en="See kado store status; set retention, move the archive, or add space.",
            ja="kado store status を確認し、保存期間の設定、アーカイブの移動、容量の追加を行ってください。",
        ),
    ),
    Alert(
        name="KadoFiguresStale",
        expression="time() - kado_figures_timestamp_seconds > 300",
        lasts="5m",
        severity="medium",
        role="engineers",
        summary=Text(
            en="The figures of {{ $labels.facility }} are {{ $value | humanizeDuration }} old",
            ja="{{ $labels.facility }} の集計が {{ $value | humanizeDuration }} 前のものです",
        ),
        meaning=Text(
            en="Availability and the beam state on dashboards are no longer computed.",
            ja="稼働率とビーム状態の計算が止まっています。",
        ),
        action=Text(
            en="See the log of kado: the store does not answer, or the calculation fails.",
            ja="kado のログを確認してください（ストアの応答なし、または計算の失敗）。",
        ),
    ),
    Alert(
        name="KadoAlarmsStalled",
        expression="time() - kado_alarm_position_timestamp_seconds > 60",
        lasts="1m",
        severity="critical",
        role="engineers",
        summary=Text(
            en="Alarms of {{ $labels.facility }} are not evaluated",
            ja="{{ $labels.facility }} の警報が評価されていません",
        ),
        meaning=Text(
            en="kado's alarm engine has not moved on for {{ $value | humanizeDuration }}: no alarm can be raised.",
            ja="警報エンジンが {{ $value | humanizeDuration }} 進んでいません。警報は発報されません。",
        ),
        action=Text(
            en="Watch the machine by other means; see the log of kado, and start it again.",
            ja="他の手段で監視し、kado のログを確認して再起動してください。",
        ),
    ),
    Alert(
        name="KadoNotificationsStuck",
        expression="kado_notification_oldest_seconds > 300",
        lasts="1m",
        severity="high",
        role="engineers",
        summary=Text(
            en="Notifications to {{ $labels.target }} do not get out", ja="{{ $labels.target }} への通知が滞っています"
        ),
        meaning=Text(
            en="The oldest one has waited for {{ $value | humanizeDuration }}; kado goes on trying.",
            ja="最も古い通知が {{ $value | humanizeDuration }} 待っています。再送は続いています。",
        ),
        action=Text(
            en="Check the target (Alertmanager, mail server); tell the control room by other means.",
            ja="通知先（Alertmanager、メールサーバー）を確認し、制御室には別の手段で連絡してください。",
        ),
    ),
)


def service_groups() -> list[Group]:
    """Return the groups of the rule file for kado itself."""
    return [Group("kado-recordings", "30s", RECORDINGS), Group("kado", "15s", ALERTS)]


def watchdog_group() -> Group:
    """Return what only Prometheus can say: kado itself, its alarms or its notifications have stopped."""
    names = ("KadoDown", "KadoAlarmsStalled", "KadoNotificationsStuck")
    return Group("kado-watchdog", "15s", tuple(alert for alert in ALERTS if alert.name in names))
