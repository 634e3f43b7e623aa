"""Which commands there are: the module of each, and its line in the list of commands.

A module is imported when its command is used, so that starting costs what one command needs. A new command is a line
here, in the order of the help; its line and the first sentence of its docstring are the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """One command."""

    place: str
    """``module:function``."""
    summary: str


@dataclass(frozen=True, slots=True)
class Group:
    """Commands below a common word."""

    summary: str
    commands: Mapping[str, Entry]
    epilog: str = ""
    place: str | None = None
    """What the word does by itself; None: it shows its help."""
    metavar: str | None = None
    default: str | None = None
    """The command that is meant where the first word is none of them."""


COMMANDS: Final[Mapping[str, Entry | Group]] = {
    "init": Entry("kado.cli.init:init", "Write a kado.toml in which every option is explained."),
    "check": Entry("kado.cli.check:check", "Check the configuration and whether its parts are reachable."),
    "run": Entry("kado.cli.run:run", "Run the service: collect, keep every sample, forward."),
    "status": Entry("kado.cli.status:status", "Show links, newest samples, plan and ledger as they are now."),
    "availability": Entry(
        "kado.cli.availability:availability", "Say how available the beam was in a period, and how surely."
    ),
    "beamlines": Entry("kado.cli.beamlines:beamlines", "Put each beamline's hours beside the machine's."),
    "events": Entry("kado.cli.events:events", "List losses of beam and distortions in user time."),
    "gaps": Entry("kado.cli.explain:gaps", "List unknown user time: why it is unknown, what it could hide."),
    "explain": Entry("kado.cli.explain:explain", "Say why each second is in its account, or what was known then."),
    "report": Group(
        "Make the report of a period; issue, verify and list reports.",
        {
            "make": Entry("kado.cli.report:make", "Make the report of a period as PDF, HTML, XLSX, CSV or JSON."),
            "issue": Entry("kado.cli.report:issue_report", "Issue a report: freeze its figures in the journal."),
            "verify": Entry("kado.cli.report:verify", "Make a report file again and compare."),
            "list": Entry("kado.cli.report:list_reports", "List the reports that were issued."),
        },
        epilog="Example: kado report 2026-10 --lang ja --format pdf",
        metavar="[PERIOD | issue | verify | list] ...",
        default="make",
    ),
    "reliability": Entry(
        "kado.cli.reliability:reliability", "Show MTBF with its interval, trend, repair times, and the year's outlook."
    ),
    "target": Entry("kado.cli.target:target", "Say how long it took to run a whole block at the target."),
    "import": Entry("kado.cli.import_samples:import_samples", "Import recorded samples from a file."),
    "backfill": Entry("kado.cli.backfill:backfill", "Fill the gaps of a period from an archive that others keep."),
    "verify": Entry("kado.cli.verify:verify", "Compare what kado finds with what a simulator truly did."),
    "ledger": Entry("kado.cli.ledger:ledger", "Account for every sample that was received."),
    "dead-letters": Group(
        "Look at messages that could not become samples, and read them once more.",
        {
            "list": Entry(
                "kado.cli.dead_letters:list_letters", "List messages that could not become samples, with the cause."
            ),
            "show": Entry(
                "kado.cli.dead_letters:show_letter", "Show one dead letter with its payload as it was received."
            ),
            "replay": Entry(
                "kado.cli.dead_letters:replay_letters",
                "Read dead letters once more, after the mapping or the profile was corrected.",
            ),
        },
    ),
    "recorded-gaps": Entry(
        "kado.cli.dead_letters:recorded_gaps",
        "List stretches in which samples may be missing for good, as sources and kado recorded them.",
    ),
    "definitions": Entry(
        "kado.cli.definitions:definitions", "Explain the accounting definitions: the rules of counting."
    ),
    "publish": Entry(
        "kado.cli.publish:publish_figures", "Publish figures, events, beam state and plan to InfluxDB for Grafana."
    ),
    "dashboards": Group(
        "Write Grafana dashboards for a facility ダッシュボード.",
        {
            "export": Entry(
                "kado.cli.dashboards:export_dashboards",
                "Write Grafana dashboards for a facility: its signals, labels, units, limits, ports.",
            ),
        },
        epilog="Example: kado dashboards export grafana/ --lang ja",
    ),
    "schema": Entry("kado.cli.schema:schema", "Print the JSON Schema of kado.toml, for editors."),
    "demo": Entry("kado.cli.demo:demo", "Watch a simulated storage ring; needs no server."),
    "simulate": Group(
        "Simulate a machine with faults: history at once, or live.",
        {
            "inject": Entry("kado.cli.inject:inject", "Break something in a simulator that runs, or repair it."),
        },
        place="kado.cli.simulate:simulate",
        metavar="[inject [OPTIONS] [effect]]",
    ),
    "schedule": Group(
        "Import and show the operation calendar 運転計画.",
        {
            "import": Entry(
                "kado.cli.schedule:import_schedule", "Import a schedule from CSV or iCalendar; known versions stay."
            ),
            "show": Entry("kado.cli.schedule:show_schedule", "Show the calendar, all versions laid over each other."),
            "diff": Entry("kado.cli.schedule:diff_schedule", "Show what changed in the calendar, and when."),
        },
        epilog="Example: kado schedule import fy2026.csv",
    ),
    "correct": Group(
        "Say of a time what the samples do not say, or say wrongly 訂正.",
        {
            "up": Entry("kado.cli.correct:up", "Say that the beam was at nominal."),
            "down": Entry("kado.cli.correct:down", "Say that there was no beam."),
            "unknown": Entry("kado.cli.correct:unknown", "Say that nothing is known, whatever the samples say."),
            "sensor-fault": Entry("kado.cli.correct:sensor_fault", "Say that the delivery signal's samples are bad."),
            "sensor-sound": Entry(
                "kado.cli.correct:sensor_sound", "Say that the delivery signal is right, not its witness."
            ),
            "one-event": Entry("kado.cli.correct:one_event", "Say that the outages that touch the time are one."),
            "separate": Entry("kado.cli.correct:separate", "Say that the outages inside the time are separate."),
            "excluded": Entry("kado.cli.correct:excluded", "Say that downtime came from outside; it stays down."),
            "reduced": Entry(
                "kado.cli.correct:reduced", "Say that less was accepted as full delivery: lowers the limits."
            ),
            "withdraw": Entry("kado.cli.correct:withdraw", "Take a correction back; both stay on record."),
            "list": Entry("kado.cli.correct:list_corrections", "List all corrections, those withdrawn too."),
        },
        epilog="Nothing is ever changed or deleted: a correction is withdrawn, and both stay on record.",
    ),
    "incident": Group(
        "Record what was broken; share downtime among systems 障害.",
        {
            "add": Entry(
                "kado.cli.incident:add_incident", "Record what was broken; it belongs to the outages that it overlaps."
            ),
            "withdraw": Entry("kado.cli.incident:withdraw_incident", "Take an incident back; it stays on record."),
            "list": Entry("kado.cli.incident:list_incidents", "List all incidents, those withdrawn too."),
            "pareto": Entry(
                "kado.cli.incident:downtime_pareto", "Share the downtime of a period among systems; adds up exactly."
            ),
        },
        epilog="Example: kado incident pareto --period 2026-10",
    ),
    "alarms": Group(
        "Show the alarms and what to do about them.",
        {
            "ack": Entry("kado.cli.alarm_actions:ack", "Acknowledge alarms: somebody takes care of them."),
            "unack": Entry("kado.cli.alarm_actions:unack", "Take an acknowledgement back that was a mistake."),
            "shelve": Entry("kado.cli.alarm_actions:shelve", "Hide an alarm for a time, with a reason."),
            "unshelve": Entry(
                "kado.cli.alarm_actions:unshelve",
                "Take an alarm off the shelf; if it is active it counts as acknowledged.",
            ),
            "out": Entry("kado.cli.alarm_actions:out", "Take an alarm out of service, without end."),
            "in": Entry("kado.cli.alarm_actions:put_in", "Put an alarm back into service."),
            "history": Entry("kado.cli.alarm_history:history", "List what alarms did, from the journal."),
            "replay": Entry("kado.cli.alarm_replay:replay", "Say what the alarms would have been in the past."),
            "rules": Entry("kado.cli.alarm_rules:rules", "Show the alarm rules, and whether they are right."),
            "report": Entry("kado.cli.alarm_report:report", "Say how good the alarms themselves were in a period."),
            "tune": Entry(
                "kado.cli.alarm_tuning:tune", "Say what a rule would have been at other limits, deadbands and delays."
            ),
            "reload": Entry("kado.cli.alarm_rules:reload", "Let the running service read the alarm rules again."),
            "test": Entry(
                "kado.cli.alarms_scenarios:run_scenarios", "Run worked scenarios of alarms, live and in replay."
            ),
        },
        place="kado.cli.alarms:alarms",
        metavar="[COMMAND]",
    ),
    "source": Group(
        "Look at sources of signals: what they say now 信号源.",
        {
            "probe": Entry("kado.cli.source:probe_source", "Listen to a source: each signal live, and what to set."),
        },
        epilog="Example: kado source probe ring --seconds 60",
    ),
    "store": Group(
        "Look after what is kept: state, checks, backup 保管.",
        {
            "init": Entry("kado.cli.store_init:init_store", "Make in InfluxDB the buckets that [store] names."),
            "status": Entry(
                "kado.cli.store_status:store_status", "Show what is kept, and how long the disk will last."
            ),
            "verify": Entry("kado.cli.store_verify:store_verify", "Check that all that is kept is whole."),
            "copy": Entry("kado.cli.store_copy:copy_store", "Copy samples between stores, embedded or InfluxDB."),
            "downsample": Entry(
                "kado.cli.store_downsample:downsample_store",
                "Sum up samples in InfluxDB, so that years are drawn fast.",
            ),
            "seal": Entry("kado.cli.store_seal:seal", "Seal days that are over, as kado run does."),
            "compact": Entry("kado.cli.store_seal:compact", "Merge the sealed files of months that are over."),
            "export": Entry("kado.cli.store_files:store_export", "Write samples to files that kado import reads."),
            "import": Entry("kado.cli.store_files:store_import", "Import what kado store export has written."),
            "backup": Entry("kado.cli.store_backup:store_backup", "Make a backup, while kado runs or not."),
            "restore": Entry("kado.cli.store_backup:store_restore", "Restore a backup into an empty data_dir."),
        },
        epilog="Example: kado store status",
    ),
    "fleet": Group(
        "Many facilities and periods at once 複数施設.",
        {
            "figures": Entry(
                "kado.cli.fleet:fleet_figures", "Say how available the beam was, of many facilities and periods."
            ),
        },
        epilog="Example: kado fleet figures --config 'fleet/*/kado.toml' --period FY2025",
    ),
}
