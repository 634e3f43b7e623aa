"""All addresses of the API; a new one is added here and nowhere else. The OpenAPI description is made of this table."""

from typing import Final

from kado.page.api import answers, record_answers
from kado.page.api.endpoint import COUNT, FLAG, NUMBER, TEXT, TIME, Endpoint, Option, Schema, listed, record

_PERIOD: Final = Option(
    "period",
    "2025-05, 2025-05-13, 2025Q2, 2025, FY2024, START/END with offsets, or a run of the schedule (run:NAME).",
    required=True,
    example="2026-10",
)
_SOME_PERIOD: Final = Option(_PERIOD.name, _PERIOD.about)
_DEFINITION: Final = Option("definition", "Counting rules; default: those of the facility.")
_KNOWN: Final = Option("as_known_on", "Ignore what was recorded after this time, ISO 8601 with an offset.")
_PUBLISHED: Final = Option(
    "as_published_on", "Use the calendar as published by this time, whenever it was recorded: for imported history."
)
_OF_A_FIGURE: Final = (_PERIOD, _DEFINITION, _KNOWN, _PUBLISHED)
_SIGNAL: Final = Option("signal", "Id of a signal of the facility.", required=True)
_START: Final = Option("start", "ISO 8601 with an offset.", required=True)
_END: Final = Option("end", "ISO 8601 with an offset; not included.", required=True)

_IDENTITY: Final[dict[str, Schema]] = {"facility": TEXT, "simulated": FLAG}
_OF_PERIOD: Final[dict[str, Schema]] = {
    **_IDENTITY,
    "definition": TEXT,
    "period": record({"id": TEXT, "start": TIME, "end": TIME}),
}
_WORDS: Final = record({"en": TEXT, "ja": TEXT})
_SPANS: Final = listed(
    {"type": "array", "items": {"type": "string", "format": "date-time"}, "minItems": 2, "maxItems": 2}
)
_SIGNAL_HEAD: Final[dict[str, Schema]] = {
    **_IDENTITY,
    "signal": TEXT,
    "label": _WORDS,
    "unit": TEXT,
    "start": TIME,
    "end": TIME,
}
_LIVE_SIGNAL: Final = record(
    {
        "id": TEXT,
        "label": _WORDS,
        "type": {"enum": ["number", "state"]},
        "unit": TEXT,
        "value": {"type": ["number", "string", "null"]},
        "time": TIME,
        "age_s": NUMBER,
        "stale": FLAG,
    }
)
_BLOCK: Final = record(
    {"category": TEXT, "start": TIME, "end": TIME, "starts_in_s": COUNT, "ends_in_s": COUNT, "tags": listed(TEXT)}
)
_ROUNDED_PART: Final = record(
    {
        "period": record({"id": TEXT, "start": TIME, "end": TIME}),
        "provisional": FLAG,
        "availability_pct": NUMBER,
        "availability_lower_pct": NUMBER,
        "availability_upper_pct": NUMBER,
        "coverage_pct": NUMBER,
        "no_beam_s": NUMBER,
        "unknown_s": NUMBER,
        "failures": COUNT,
    },
    nullable=True,
)
NOW: Final = record(
    {
        **_IDENTITY,
        "definition": TEXT,
        "time": TIME,
        "zone": TEXT,
        "delivery": _LIVE_SIGNAL,
        "beam": record(nullable=True),
        "plan": record(
            {
                "now": {"anyOf": [_BLOCK, {"type": "null"}]},
                "next": {"anyOf": [_BLOCK, {"type": "null"}]},
                "blocks": listed(_BLOCK),
            }
        ),
        "mode": record(nullable=True),
        "figures": {
            "anyOf": [
                record(
                    {
                        "computed_at": TIME,
                        "periods": record({"day": _ROUNDED_PART, "month": _ROUNDED_PART, "fiscal_year": _ROUNDED_PART}),
                        "downtime_budget": record(nullable=True),
                    }
                ),
                {"type": "null"},
            ]
        },
        "recent": {
            "anyOf": [
                record({"since": TIME, "no_beam": _SPANS, "low_beam": _SPANS, "unknown": _SPANS}),
                {"type": "null"},
            ]
        },
        "signals": listed(_LIVE_SIGNAL),
        "ports": listed(record({"number": COUNT, "status": TEXT, "shutter": record(nullable=True)})),
        "sources": listed(record({"id": TEXT, "link": TEXT, "since": TIME, "age_s": NUMBER})),
        "ledger": record(dict.fromkeys(("received", "stored", "waiting", "rejected", "dropped", "lost"), COUNT)),
        "problems": listed(record({"about": TEXT, "text": TEXT})),
        "alarms": record(nullable=True),
    }
)
_EVENT: Final = record(
    {
        "id": TEXT,
        "kind": TEXT,
        "start": TIME,
        "end": TIME,
        "duration_s": NUMBER,
        "user_time_s": NUMBER,
        "trip": FLAG,
        "open": FLAG,
        "notes": listed(TEXT),
        "incidents": listed(COUNT),
    }
)
_FIGURES: Final = record(
    {
        **_OF_PERIOD,
        "counted_until": TIME,
        "as_known_on": TIME,
        "provisional": FLAG,
        "accounts_s": record(),
        "figures": record({"availability_pct": NUMBER, "coverage_pct": NUMBER, "mtbf_h": NUMBER, "mttr_h": NUMBER}),
        "counts": record({"failures": COUNT, "trips": COUNT, "distortions": COUNT}),
        "events": listed(_EVENT),
    }
)
_FLOATS: Final = listed(NUMBER)

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    Endpoint(
        "/signals",
        "Signals of the facility.",
        "",
        answers.signals,
        record(
            {
                **_IDENTITY,
                "signals": listed(record({"id": TEXT, "type": TEXT, "unit": TEXT, "label": _WORDS, "delivery": FLAG})),
            }
        ),
    ),
    Endpoint(
        "/buckets",
        "A number signal cut into at most 2,000 equal buckets, for drawing.",
        "",
        answers.buckets,
        record(
            {
                **_SIGNAL_HEAD,
                "width_ms": NUMBER,
                "holds_ms": NUMBER,
                "start_ms": listed(COUNT),
                "count": listed(COUNT),
                "mean": _FLOATS,
                "min": _FLOATS,
                "max": _FLOATS,
            }
        ),
        (
            _SIGNAL,
            _START,
            _END,
            Option(
                "count",
                "Buckets, at most 2,000; default: 1,000.",
                schema={"type": "integer", "minimum": 1, "maximum": 2000},
            ),
        ),
    ),
    Endpoint(
        "/states",
        "A state signal as stretches of time with one word.",
        "",
        answers.states,
        record(
            {
                **_SIGNAL_HEAD,
                "words": listed(TEXT),
                "stretches": listed(record({"start_ms": COUNT, "end_ms": COUNT, "word": TEXT})),
                "stretches_left_out": COUNT,
            }
        ),
        (_SIGNAL, _START, _END),
    ),
    Endpoint(
        "/availability",
        "Figures, accounts, counts and events of a period.",
        "kado availability",
        answers.availability,
        _FIGURES,
        _OF_A_FIGURE,
    ),
    Endpoint(
        "/availability/side-by-side",
        "Figures of each day or month of a period, or by each definition.",
        "kado availability --each",
        answers.side_by_side,
        listed(record(_OF_PERIOD)),
        (
            _PERIOD,
            Option("definition", "Counting rules, or all; default: those of the facility."),
            Option("each", "day or month.", schema={"enum": ["day", "month"]}),
            _KNOWN,
            _PUBLISHED,
        ),
    ),
    Endpoint(
        "/events",
        "Losses of beam and distortions in user time.",
        "kado events",
        answers.events,
        record({**_OF_PERIOD, "events": listed(_EVENT), "corrections": listed()}),
        _OF_A_FIGURE,
    ),
    Endpoint(
        "/lost-time",
        "User time without beam, with low beam, and unknown, as stretches of time.",
        "",
        answers.lost_time,
        record({**_OF_PERIOD, "no_beam": _SPANS, "low_beam": _SPANS, "unknown": _SPANS}),
        _OF_A_FIGURE,
    ),
    Endpoint(
        "/awaiting-review",
        "Events, unknown time and exclusions of a period that await review.",
        "kado correct awaiting",
        record_answers.awaiting,
        record(
            {**_OF_PERIOD, "exclusions": listed(), "outages": listed(), "gaps": listed(), "sensor_faults": listed()}
        ),
        (_PERIOD,),
    ),
    Endpoint(
        "/calendar",
        "A month or a fiscal year as days: what was planned, what came of it, sums.",
        "",
        record_answers.calendar,
        record({**_OF_PERIOD, "months": listed(record({"period": TEXT, "days": listed()}))}),
        (Option("period", "A month or a fiscal year.", required=True, example="2026-10"), _DEFINITION),
    ),
    Endpoint(
        "/shift",
        "A shift: beam delivered, events, alarms, corrections, open questions, remarks, signatures.",
        "kado shift show",
        record_answers.shift,
        record(
            {
                **_OF_PERIOD,
                "shift": record({"name": _WORDS, "start": TIME, "end": TIME}),
                "beam": record(nullable=True),
                "events": listed(),
                "alarms": listed(),
                "corrections": listed(),
                "incidents": listed(),
                "remarks": listed(),
                "handover": record(nullable=True),
            }
        ),
        (Option("at", "An instant of the shift, ISO 8601 with an offset; default: now."),),
    ),
    Endpoint(
        "/handovers",
        "Shifts that were handed over, newest first.",
        "kado shift list",
        record_answers.handovers,
        record({**_IDENTITY, "handovers": listed(record({"handover": record()}))}),
        (Option("search", "Words that the handover must hold."),),
    ),
    Endpoint(
        "/gaps",
        "Unknown user time with its cause and its possible effect.",
        "kado gaps",
        answers.gaps,
        record(
            {
                **_OF_PERIOD,
                "unknown_s": NUMBER,
                "gaps_left_out": COUNT,
                "gaps": listed(record({"start": TIME, "end": TIME, "rule": TEXT})),
            }
        ),
        _OF_A_FIGURE,
    ),
    Endpoint(
        "/explain",
        "The account of each second of a period, or what was known at an instant.",
        "kado explain",
        answers.explain,
        record(_IDENTITY),
        (
            _SOME_PERIOD,
            Option("at", "An instant, ISO 8601 with an offset; instead of period."),
            _DEFINITION,
            _KNOWN,
            _PUBLISHED,
        ),
    ),
    Endpoint(
        "/pareto",
        "Downtime of a period by system.",
        "kado incident pareto",
        answers.pareto,
        record(
            {
                **_OF_PERIOD,
                "sharing": TEXT,
                "no_beam_s": NUMBER,
                "systems": listed(record({"system": TEXT, "downtime_s": NUMBER})),
            }
        ),
        (
            *_OF_A_FIGURE,
            Option(
                "sharing",
                "How to share time in which several incidents overlap; default: root-cause.",
                schema={"enum": ["root-cause", "equal-share"]},
            ),
        ),
    ),
    Endpoint(
        "/reliability",
        "MTBF with its interval, trend, repair times, outlook.",
        "kado reliability",
        answers.reliability,
        record(_IDENTITY),
        (
            _PERIOD,
            _DEFINITION,
            _KNOWN,
            Option("compare", "Period to compare the failure rate with; default: the previous one."),
        ),
    ),
    Endpoint(
        "/target",
        "How long it took to run one whole block at the target.",
        "kado target",
        answers.target,
        record(_IDENTITY),
        (_DEFINITION, _KNOWN, _PUBLISHED),
    ),
    Endpoint(
        "/beamlines",
        "User and shutter-open hours per beamline.",
        "kado beamlines",
        answers.beamlines,
        record(_IDENTITY),
        _OF_A_FIGURE,
    ),
    Endpoint(
        "/definitions",
        "Accounting definitions.",
        "kado definitions",
        answers.definitions,
        listed(record({"id": TEXT})),
        (Option("name", "One definition; default: all."),),
    ),
    Endpoint(
        "/definitions/comparison",
        "Two definitions compared rule by rule.",
        "kado definitions --compare",
        answers.comparison,
        record(_IDENTITY),
        (
            _PERIOD,
            Option("one", "The first definition.", required=True),
            Option("other", "The second one.", required=True),
            _KNOWN,
            _PUBLISHED,
        ),
    ),
    Endpoint(
        "/corrections",
        "All corrections, those withdrawn too.",
        "kado correct list",
        answers.corrections,
        record({**_IDENTITY, "corrections": listed(record())}),
        (_KNOWN,),
    ),
    Endpoint(
        "/incidents",
        "All incidents, those withdrawn too.",
        "kado incident list",
        answers.incidents,
        record({**_IDENTITY, "incidents": listed(record())}),
        (_KNOWN,),
    ),
    Endpoint(
        "/schedule",
        "The operation calendar in force.",
        "kado schedule show",
        answers.schedule,
        record(
            {
                **_IDENTITY,
                "blocks": listed(record({"start": TIME, "end": TIME, "category": TEXT})),
                "warnings": listed(TEXT),
            }
        ),
        (_SOME_PERIOD, _KNOWN, _PUBLISHED),
    ),
    Endpoint(
        "/status",
        "Links, newest samples, plan, ledger, store.",
        "kado status",
        answers.status,
        record(
            {
                **_IDENTITY,
                "time": TIME,
                "links": record(),
                "signals": record(),
                "ledger": record(),
                "problems": listed(TEXT),
            }
        ),
    ),
    Endpoint(
        "/ledger",
        "What became of each sample.",
        "kado ledger",
        answers.ledger,
        record(
            {
                **_IDENTITY,
                "store": TEXT,
                "sources": listed(record({"source": TEXT, "received": COUNT, "stored": COUNT})),
                "problems": listed(TEXT),
            }
        ),
    ),
    Endpoint(
        "/dead-letters",
        "Messages that could not become samples, the newest first.",
        "kado dead-letters list",
        answers.dead_letters,
        record(_IDENTITY),
        (
            Option("limit", "At most so many; default: 50.", schema={"type": "integer", "minimum": 1, "maximum": 1000}),
            Option("source", "Only of this source."),
            Option("cause", "Only with this cause."),
        ),
    ),
    Endpoint(
        "/alarms",
        "How the alarms stand.",
        "kado alarms --all",
        answers.alarms,
        record(
            {
                **_IDENTITY,
                "at": TIME,
                "counts": record(),
                "alarms": listed(record({"id": TEXT, "state": TEXT, "priority": TEXT})),
            }
        ),
    ),
    Endpoint(
        "/alarms/history",
        "What alarms did.",
        "kado alarms history",
        answers.alarm_history,
        record({**_IDENTITY, "transitions": listed(record({"time": TIME, "alarm": TEXT}))}),
        (
            Option("from", "ISO 8601 with an offset, at most 3,653 days before the end; default: the first row."),
            Option("to", "End, not included; default: now."),
            Option("alarm", "Only this alarm."),
        ),
    ),
    Endpoint(
        "/alarms/report",
        "How good the alarms themselves were in a period.",
        "kado alarms report",
        answers.alarm_report,
        record(_IDENTITY),
        (_PERIOD,),
    ),
)
