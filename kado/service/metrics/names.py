"""Every metric of kado: its name, kind, labels and meaning; ``docs/reference/metrics.md`` is this table."""

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; of a counter the exposed name ends in ``_total``."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    about: str

    @property
    def exposed(self) -> str:
        """The name that Prometheus sees."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


_OF_SOURCE: Final = ("facility", "source")
_OF_SIGNAL: Final = ("facility", "signal")
_OF_FACILITY: Final = ("facility",)

METRICS: Final = (
    Metric(
        "kado_build_info", "gauge", ("facility", "version", "store", "simulated"), "1; what runs, and on which store."
    ),
    Metric("kado_ready", "gauge", _OF_FACILITY, "1 if /readyz answers 200, else 0."),
    # Sources
    Metric(
        "kado_source_link", "gauge", (*_OF_SOURCE, "state"),
        "1 for the state that the source's link is in: connecting, up, down.",
    ),
    Metric("kado_source_connects", "counter", _OF_SOURCE, "Connections made since kado started."),
    Metric("kado_source_samples_received", "counter", _OF_SOURCE, "Samples received, from the ledger."),
    Metric("kado_source_samples_stored", "counter", _OF_SOURCE, "Received samples that the store has taken."),
    Metric(
        "kado_source_samples_rejected", "counter", (*_OF_SOURCE, "cause"), "Received samples that were rejected."
    ),
    Metric(
        "kado_source_samples_dropped", "counter", (*_OF_SOURCE, "cause"), "Received samples that were dropped."
    ),
    Metric(
        "kado_source_samples_conflicting", "counter", _OF_SOURCE,
        "Samples that came again with another value for the same signal and time.",
    ),
    Metric(
        "kado_source_newest_sample_timestamp_seconds", "gauge", _OF_SOURCE,
        "Newest stamp that the source has delivered; its age shows whether the source is alive.",
    ),
    Metric(
        "kado_source_last_arrival_timestamp_seconds", "gauge", _OF_SOURCE,
        "When samples of the source last arrived, repeated ones too.",
    ),
    Metric("kado_source_in_flight", "gauge", _OF_SOURCE, "Deliveries that were read and are not acknowledged yet."),
    Metric(
        "kado_source_notices", "gauge", _OF_SOURCE,
        "What the present connection does not promise, such as QoS 1: how many notices kado status shows.",
    ),
    Metric("kado_dead_letters", "gauge", ("facility", "cause"), "Rejected payloads that are kept."),
    Metric(
        "kado_open_secret_files", "gauge", _OF_FACILITY,
        "Files of passwords and tokens that other users of the machine can read; kado status names them.",
    ),
    # Landing
    Metric(
        "kado_landing_state", "gauge", ("facility", "state"), "1 for the state of landing: open, full, failing, closed."
    ),
    Metric("kado_landing_fill_ratio", "gauge", _OF_FACILITY, "Used part of what telemetry.db may use; 1 is full."),
    Metric("kado_landing_used_bytes", "gauge", _OF_FACILITY, "Used pages of telemetry.db."),
    Metric("kado_landing_queued_samples", "gauge", _OF_FACILITY, "Samples handed over and not durable yet."),
    Metric("kado_landing_commits", "counter", _OF_FACILITY, "Commits since telemetry.db was made."),
    Metric("kado_landing_failures", "counter", _OF_FACILITY, "Attempts to commit that failed since kado started."),
    Metric(
        "kado_landing_commit_seconds", "histogram", _OF_FACILITY, "How long a commit took, until it was durable."
    ),
    # Forwarder
    Metric(
        "kado_forwarder_state", "gauge", ("facility", "state"),
        "1 for the state of the forwarder: idle, sending, retrying, holding; InfluxDB only, as all below.",
    ),
    Metric("kado_forwarder_backlog_samples", "gauge", _OF_FACILITY, "Samples that wait to be forwarded."),
    Metric("kado_forwarder_backlog_bytes", "gauge", _OF_FACILITY, "The same in bytes."),
    Metric("kado_forwarder_lag_seconds", "gauge", _OF_FACILITY, "For how long the oldest of them has waited."),
    Metric("kado_forwarder_delivered_samples", "counter", _OF_FACILITY, "Samples settled since kado started."),
    Metric(
        "kado_forwarder_answers", "counter", ("facility", "class"),
        "Answers to writes by class: 2xx, 4xx, 5xx, none.",
    ),
    # Upkeep
    Metric(
        "kado_sealed_timestamp_seconds", "gauge", _OF_FACILITY,
        "When a day was last sealed; embedded store only, absent before the first.",
    ),
    Metric(
        "kado_data_begun_timestamp_seconds", "gauge", _OF_FACILITY, "When the data directory was made."
    ),
    Metric(
        "kado_backup_timestamp_seconds", "gauge", _OF_FACILITY,
        "When kado store backup last completed; absent before the first.",
    ),
    Metric("kado_disk_free_bytes", "gauge", _OF_FACILITY, "Free space on the disk of the data directory."),
    Metric("kado_disk_size_bytes", "gauge", _OF_FACILITY, "Size of that disk."),
    Metric(
        "kado_ledger_problems", "gauge", _OF_FACILITY,
        "Problems that the ledger shows: lost samples, a tail of telemetry.db that is missing, a mark that is.",
    ),
    Metric(
        "kado_ledger_difference_samples", "gauge", _OF_FACILITY,
        "Received samples that the ledger does not account for; 0 if it closes.",
    ),
    # The machine
    Metric(
        "kado_signal_value", "gauge", _OF_SIGNAL, "Newest good value of a number, while it holds; absent after that."
    ),
    Metric(
        "kado_signal_state", "gauge", (*_OF_SIGNAL, "word"),
        "1 for the word that a state signal is in, 0 for its others; absent while it is unknown.",
    ),
    Metric(
        "kado_signal_good_timestamp_seconds", "gauge", _OF_SIGNAL, "Stamp of the signal's newest good sample."
    ),
    Metric(
        "kado_signal_timestamp_seconds", "gauge", _OF_SIGNAL, "Stamp of the signal's newest sample of any quality."
    ),
    Metric(
        "kado_delivery_age_seconds", "gauge", _OF_SIGNAL,
        "Age of the delivery signal's newest good sample; since kado started where there is none.",
    ),
    Metric(
        "kado_delivery_stale_after_seconds", "gauge", _OF_SIGNAL, "Age at which a sample of it holds no more."
    ),
    Metric(
        "kado_limit", "gauge", ("facility", "limit"),
        "Limits in force now, in the delivery signal's unit: nominal, recovered, tolerance, minimum.",
    ),
    Metric(
        "kado_plan", "gauge", ("facility", "category"), "1 for the category that is planned now, 0 for the others."
    ),
    Metric("kado_plan_end_timestamp_seconds", "gauge", _OF_FACILITY, "When the block of the calendar ends."),
    Metric("kado_ports", "gauge", ("facility", "status", "use"), "Beamline ports, as the profile states them."),
    # Figures
    Metric(
        "kado_beam_state", "gauge", ("facility", "state"), "1 for the state of the beam: up, low, none, unknown."
    ),
    Metric(
        "kado_beam_state_since_timestamp_seconds", "gauge", _OF_FACILITY,
        "Since when, at most back to the last unknown time; absent where that was before this month.",
    ),
    Metric(
        "kado_beam_state_since_after_unknown", "gauge", _OF_FACILITY,
        "1: the time before that is unknown, so the state may have begun earlier; 0: its beginning was seen; absent as "
        "that is.",
    ),
    Metric(
        "kado_figure", "gauge", ("facility", "definition", "name", "period"),
        "Figures of kado availability for the running day, month, quarter, year, fiscal_year and run, with bounds and "
        "coverage; absent where a figure does not exist.",
    ),
    Metric(
        "kado_last_failure_end_timestamp_seconds", "gauge", ("facility", "definition"),
        "When the last failure ended; now while one is running.",
    ),
    Metric("kado_figures_timestamp_seconds", "gauge", _OF_FACILITY, "When the figures were last computed."),
    Metric(
        "kado_published_timestamp_seconds", "gauge", _OF_FACILITY,
        "When the derived series were last brought up to date; InfluxDB only.",
    ),
    Metric("kado_unpublished_months", "gauge", _OF_FACILITY, "Months that are still to be published."),
    # Alarms
    Metric(
        "kado_alarm_state", "gauge", ("facility", "alarm", "priority", "class"),
        "State of an alarm: 0 normal, 1 unknown, 2 over and not acknowledged, 3 acknowledged, 4 not acknowledged, "
        "5 shelved, 6 suppressed, 7 out of service.",
    ),
    Metric("kado_alarms", "gauge", ("facility", "state", "priority"), "How many alarms are in a state."),
    Metric(
        "kado_alarm_position_timestamp_seconds", "gauge", _OF_FACILITY, "Up to when the alarms are decided."
    ),
    Metric(
        "kado_alarm_annunciations", "counter", ("facility", "alarm", "priority", "class"),
        "Annunciations since kado started.",
    ),
    Metric(
        "kado_alarm_flood", "gauge", _OF_FACILITY, "1 if more than 10 alarms were annunciated in 10 minutes, else 0."
    ),
    Metric("kado_alarms_chattering", "gauge", _OF_FACILITY, "How many alarms are chattering."),
    Metric("kado_alarm_late_samples", "counter", _OF_FACILITY, "Samples that came too late to be decided on."),
    Metric("kado_alarm_clock_back", "counter", _OF_FACILITY, "Looks for which the clock had gone back."),
    Metric("kado_alarm_refusals", "counter", ("facility", "reason"), "Actions of people that were refused."),
    Metric("kado_alarm_tick_seconds", "histogram", _OF_FACILITY, "How long the looks of the alarms took."),
    Metric(
        "kado_fact", "gauge", ("facility", "name"),
        "A fact about kado that alarms may read, such as ledger_difference; absent while it is not known.",
    ),
    Metric(
        "kado_fact_state", "gauge", ("facility", "name", "word"),
        "1 for the word of a fact, such as contradicts of mode_agreement, 0 for its other words; absent while unknown.",
    ),
    # Notification
    Metric(
        "kado_notifications", "counter", ("facility", "target", "result"),
        "Messages to a target since kado started: sent, or failed (tried again).",
    ),
    Metric(
        "kado_notification_oldest_seconds", "gauge", ("facility", "target"),
        "Age of the oldest notification that the target has not taken; 0 if none waits.",
    ),
    Metric(
        "kado_notifications_replaced", "counter", _OF_FACILITY,
        "Changes of alarms that left a full outbox because a later one of the same alarm was in it.",
    ),
)  # fmt: skip
