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
    "init": Entry("kado.cli.init:init", "Write a kado.toml with an explanation of every option."),
    "check": Entry("kado.cli.check:check", "Check the configuration, and whether its parts can be reached."),
    "run": Entry("kado.cli.run:run", "Run the service: collect, store and forward samples."),
    "status": Entry("kado.cli.status:status", "Show links, newest samples, schedule and ledger."),
    "watch": Entry("kado.cli.watch:watch", "Watch the beam live, beside the running service."),
    "availability": Entry(
        "kado.cli.availability:availability", "Report the availability of a period, with its bounds."
    ),
    "beamlines": Entry("kado.cli.beamlines:beamlines", "Report user and shutter-open hours per beamline."),
    "events": Entry("kado.cli.events:events", "List losses of beam and distortions in user time."),
    "gaps": Entry("kado.cli.explain:gaps", "List unknown user time with its cause and its possible effect."),
    "explain": Entry(
        "kado.cli.explain:explain", "Explain the account of each second, or what was known at an instant."
    ),
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
        "kado.cli.reliability:reliability",
        "Report MTBF with its interval, trend, repair times, and the outlook for the year.",
    ),
    "target": Entry("kado.cli.target:target", "Report how long it took to run one whole block at the target."),
    "import": Entry("kado.cli.import_samples:import_samples", "Import recorded samples from a file."),
    "backfill": Entry("kado.cli.backfill:backfill", "Fill the gaps of a period from an external archive."),
    "verify": Entry("kado.cli.verify:verify", "Compare the result of kado with the answer key of a simulator."),
    "ledger": Entry("kado.cli.ledger:ledger", "Show the account of all received samples."),
    "dead-letters": Group(
        "Show messages that could not become samples, and read them again.",
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
        "List intervals in which samples may be lost for good, as recorded by sources and kado.",
    ),
    "definitions": Entry("kado.cli.definitions:definitions", "Explain the accounting definitions: the counting rules."),
    "publish": Entry(
        "kado.cli.publish:publish_figures", "Publish figures, events, beam state and schedule to InfluxDB for Grafana."
    ),
    "dashboards": Group(
        "Write Grafana dashboards for a facility.",
        {
            "export": Entry(
                "kado.cli.dashboards:export_dashboards",
                "Write Grafana dashboards for a facility: its signals, labels, units, limits, ports.",
            ),
        },
        epilog="Example: kado dashboards export grafana/ --lang ja",
    ),
    "schema": Entry("kado.cli.schema:schema", "Print the JSON Schema of kado.toml, for editors."),
    "demo": Entry("kado.cli.demo:demo", "Run a demonstration with a simulated storage ring; needs no server."),
    "simulate": Group(
        "Simulate a machine with faults: history at once, or live.",
        {
            "inject": Entry("kado.cli.inject:inject", "Inject a fault into a running simulator, or repair it."),
        },
        place="kado.cli.simulate:simulate",
        metavar="[inject [OPTIONS] [effect]]",
    ),
    "schedule": Group(
        "Import and show the operation calendar.",
        {
            "import": Entry(
                "kado.cli.schedule:import_schedule",
                "Import a schedule from CSV or iCalendar; earlier versions are kept.",
            ),
            "show": Entry("kado.cli.schedule:show_schedule", "Show the calendar in force, from all versions."),
            "diff": Entry("kado.cli.schedule:diff_schedule", "Show what changed in the calendar, and when."),
        },
        epilog="Example: kado schedule import fy2026.csv",
    ),
    "correct": Group(
        "Record a correction that overrides the signals in an interval.",
        {
            "up": Entry("kado.cli.correct:up", "State that the beam was at nominal."),
            "down": Entry("kado.cli.correct:down", "State that there was no beam."),
            "unknown": Entry(
                "kado.cli.correct:unknown", "State that the beam state is unknown, whatever the samples show."
            ),
            "sensor-fault": Entry(
                "kado.cli.correct:sensor_fault", "State that the samples of the delivery signal are wrong."
            ),
            "sensor-sound": Entry(
                "kado.cli.correct:sensor_sound", "State that the delivery signal is correct and its witness is wrong."
            ),
            "one-event": Entry("kado.cli.correct:one_event", "Count all outages that touch the interval as one."),
            "separate": Entry("kado.cli.correct:separate", "Count the outages inside the interval separately."),
            "excluded": Entry(
                "kado.cli.correct:excluded", "Mark downtime as caused outside the facility; it stays downtime."
            ),
            "reduced": Entry("kado.cli.correct:reduced", "Lower the limits: less beam was accepted as full delivery."),
            "confirm": Entry(
                "kado.cli.correct:confirm", "Confirm an exclusion as a second person; from then on it counts."
            ),
            "withdraw": Entry("kado.cli.correct:withdraw", "Withdraw a correction; both stay on record."),
            "awaiting": Entry(
                "kado.cli.awaiting:awaiting", "List events, unknown time and exclusions of a period that await review."
            ),
            "list": Entry("kado.cli.correct:list_corrections", "List all corrections, including withdrawn ones."),
        },
        epilog="Corrections are never changed or deleted. A withdrawn correction stays on record.",
    ),
    "incident": Group(
        "Record incidents; report downtime by system.",
        {
            "add": Entry(
                "kado.cli.incident:add_incident", "Record an incident; it belongs to the outages that it overlaps."
            ),
            "withdraw": Entry("kado.cli.incident:withdraw_incident", "Withdraw an incident; it stays on record."),
            "list": Entry("kado.cli.incident:list_incidents", "List all incidents, including withdrawn ones."),
            "pareto": Entry(
                "kado.cli.incident:downtime_pareto", "Report the downtime of a period by system; the sum is exact."
            ),
        },
        epilog="Example: kado incident pareto --period 2026-10",
    ),
    "shift": Group(
        "Show shifts, and hand them over.",
        {
            "show": Entry(
                "kado.cli.shift:show_shift",
                "Show a shift: beam delivered, events, alarms, corrections, open questions.",
            ),
            "list": Entry("kado.cli.shift:list_handovers", "List the shifts that were handed over, newest first."),
            "remark": Entry("kado.cli.shift:remark", "Add a remark to the log of a shift."),
            "sign": Entry("kado.cli.shift:sign", "Hand over a shift: freeze what is known of it, and sign."),
            "countersign": Entry("kado.cli.shift:countersign", "Countersign a handover as the next shift."),
        },
        epilog="Example: kado shift --at 2026-10-03T09:00:00+09:00",
        metavar="[show | list | remark | sign | countersign] ...",
        default="show",
    ),
    "user": Group(
        "Manage the accounts of the page.",
        {
            "add": Entry("kado.cli.user:add", "Make an account of the page."),
            "list": Entry("kado.cli.user:list_accounts", "List the accounts of the page."),
            "passwd": Entry("kado.cli.user:passwd", "Change the password of an account; its sessions end."),
            "role": Entry("kado.cli.user:role", "Change the role of an account; its sessions end."),
            "remove": Entry("kado.cli.user:remove", "Remove an account; its sessions end, and what it recorded stays."),
        },
        epilog="Example: kado user add sato --role operator",
    ),
    "alarms": Group(
        "Show the alarms with their actions.",
        {
            "ack": Entry("kado.cli.alarm_actions:ack", "Acknowledge alarms: somebody takes care of them."),
            "unack": Entry("kado.cli.alarm_actions:unack", "Withdraw an acknowledgement made by mistake."),
            "shelve": Entry("kado.cli.alarm_actions:shelve", "Hide an alarm for a time, with a reason."),
            "unshelve": Entry(
                "kado.cli.alarm_actions:unshelve",
                "Show a shelved alarm again; if it is active it counts as acknowledged.",
            ),
            "out": Entry("kado.cli.alarm_actions:out", "Take an alarm out of service, without end."),
            "in": Entry("kado.cli.alarm_actions:put_in", "Put an alarm back into service."),
            "history": Entry("kado.cli.alarm_history:history", "List past alarm events from the journal."),
            "replay": Entry(
                "kado.cli.alarm_replay:replay", "Compute which alarms the rules would have raised in the past."
            ),
            "rules": Entry("kado.cli.alarm_rules:rules", "Show the alarm rules, and check them."),
            "report": Entry("kado.cli.alarm_report:report", "Report the performance of the alarm system in a period."),
            "tune": Entry(
                "kado.cli.alarm_tuning:tune", "Show how a rule would behave with other limits, deadbands and delays."
            ),
            "reload": Entry("kado.cli.alarm_rules:reload", "Make the running service read the alarm rules again."),
            "test": Entry("kado.cli.alarms_scenarios:run_scenarios", "Run worked alarm scenarios, live and in replay."),
        },
        place="kado.cli.alarms:alarms",
        metavar="[COMMAND]",
    ),
    "source": Group(
        "Show what signal sources deliver now.",
        {
            "probe": Entry(
                "kado.cli.source:probe_source", "Listen to a source: show each signal live, and what to configure."
            ),
        },
        epilog="Example: kado source probe ring --seconds 60",
    ),
    "store": Group(
        "Maintain the store: status, verify, backup.",
        {
            "init": Entry("kado.cli.store_init:init_store", "Create the InfluxDB buckets of [store]."),
            "status": Entry("kado.cli.store_status:store_status", "Show stored data and the disk space forecast."),
            "verify": Entry(
                "kado.cli.store_verify:store_verify", "Check that all stored data is complete and readable."
            ),
            "copy": Entry("kado.cli.store_copy:copy_store", "Copy samples between stores, embedded or InfluxDB."),
            "downsample": Entry(
                "kado.cli.store_downsample:downsample_store",
                "Build 1-minute aggregates for fast long-range plots.",
            ),
            "seal": Entry("kado.cli.store_seal:seal", "Seal past days, as kado run does."),
            "compact": Entry("kado.cli.store_seal:compact", "Merge the sealed files of past months."),
            "export": Entry("kado.cli.store_files:store_export", "Export samples to files that kado import reads."),
            "import": Entry("kado.cli.store_files:store_import", "Import files written by kado store export."),
            "backup": Entry("kado.cli.store_backup:store_backup", "Make a backup, also while kado runs."),
            "restore": Entry("kado.cli.store_backup:store_restore", "Restore a backup into an empty data_dir."),
        },
        epilog="Example: kado store status",
    ),
    "fleet": Group(
        "Report many facilities and periods at once.",
        {
            "figures": Entry("kado.cli.fleet:fleet_figures", "Report the availability of many facilities and periods."),
        },
        epilog="Example: kado fleet figures --config 'fleet/*/kado.toml' --period FY2025",
    ),
}
