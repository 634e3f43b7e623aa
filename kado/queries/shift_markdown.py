"""A shift as Markdown, for logbooks and mail."""

from typing import Any

from facility.corrections import Assertion
from facility.profile import Profile
from facility.text import SIMULATED
from facility.time import NS_PER_S, parse_time
from kado.language import language, term, tr, trn, words
from kado.language.assertions import assertion_word
from kado.language.sentences import sentence_text
from kado.rounding import duration, percent


def shift_markdown(profile: Profile, document: dict[str, Any]) -> str:
    """Return the document of `kado.queries.shift.shift_document` as Markdown, in the language in use."""
    shift, known = document["shift"], time_of(document["as_known_on"])
    simulated = f" ({words(SIMULATED)})" if document["simulated"] else ""
    lines = [
        f"# {tr('Shift handover')}: {words(profile.name)}{simulated}",
        "",
        f"**{shift['name'][language()]}**, {_span(shift)}",
        "",
        tr("As known on {time}, by definition {definition}.", time=known, definition=document["definition"]),
        "",
        f"## {tr('Beam')}",
        "",
        *_beam(document),
        "",
    ]  # fmt: skip
    for heading, rows in (
        (tr("Events"), [event_words(e) for e in document["events"]]),
        (tr("Alarms"), [alarm_words(a) for a in document["alarms"]]),
        (tr("Corrections"), [correction_words(c) for c in document["corrections"]]),
        (tr("Incidents"), [incident_words(i) for i in document["incidents"]]),
        (tr("Open questions"), open_questions(document)),
    ):
        lines += [f"## {heading}", "", *([f"- {escaped(row)}" for row in rows] or [tr("None.")]), ""]
    lines += [f"## {tr('Remarks')}", ""]
    for r in document["remarks"]:
        lines += [f"- {time_of(r['recorded_at'])}, {escaped(r['author'])}: {escaped(r['text'])}"]
    handover = document.get("handover")
    if handover is not None:
        if handover["remarks"]:
            lines += ["", escaped(handover["remarks"])]
        lines += ["", f"## {tr('Signatures')}", "", f"- {escaped(signed_words(handover))}"]
        if handover["countersigned"] is not None:
            lines.append(f"- {escaped(countersigned_words(handover))}")
    elif not document["remarks"]:
        lines.append(tr("None."))
    return "\n".join(lines).rstrip() + "\n"


def escaped(text: str) -> str:
    """Return a text of a person's so that Markdown takes none of it for markup, in one line."""
    flat = " ".join(text.split())
    return "".join(f"\\{c}" if c in "\\`*_{}[]<>#|!" else c for c in flat)


def time_of(text: str) -> str:
    """Return a time of a document without the offset, to the second: ``2026-10-03 08:00:00``."""
    return text[:19].replace("T", " ")


def clock_of(text: str) -> str:
    """Return the time of day of a time of a document, to the minute."""
    return text[11:16]


def _beam(document: dict[str, Any]) -> list[str]:
    rows = beam_facts(document)
    if not rows:
        return [escaped(no_figure_words(document))]
    return [f"- {label}: {value}" for label, value in rows]


def no_figure_words(document: dict[str, Any]) -> str:
    """Return why a shift has no figure; what an older kado signed holds the reason in English alone."""
    reason = sentence_text(document.get("no_figure_sentence"))
    if reason is not None:
        return reason
    written = document["no_figure"]
    if written is None:
        return tr("No figure.")
    return written if language() == "en" else tr("No figure. On record in English: {reason}", reason=written)


def _is_running(document: dict[str, Any]) -> bool:
    """Whether more user time may come: a shift that was handed over is closed."""
    if document.get("shift") is None or document.get("handover") is not None:
        return False
    return parse_time(document["as_known_on"]) < parse_time(document["shift"]["end"])


def beam_facts(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was delivered, each with its label; nothing where there is no figure."""
    beam = document["beam"]
    if beam is None:
        return []
    lower, upper = percent(beam["availability_lower_pct"], 1), percent(beam["availability_upper_pct"], 1)
    pct = percent(beam["availability_pct"], 1)
    rows = [
        (tr("User time so far") if _is_running(document) else tr("User time"), _length(beam["user_time_s"])),
        (tr("Beam delivered"), _length(beam["delivered_s"])),
        (tr("No beam"), _length(beam["no_beam_s"])),
        (tr("Unknown"), _length(beam["unknown_s"])),
        (
            tr("Availability"),
            tr("{pct} % ({lower} to {upper})", pct=pct, lower=lower, upper=upper),
        ),
        (tr("Failures"), str(beam["failures"])),
    ]  # fmt: skip
    if beam["mean"] is not None:
        unit = beam["unit"] or ""
        level = tr(
            "{mean} {unit} on average, {least} to {most}",
            mean=_level(beam["mean"]), unit=unit, least=_level(beam["min"]), most=_level(beam["max"]),
        )  # fmt: skip
        rows.append((tr("Delivery signal"), level))
    return rows


def _span(stated: dict[str, Any]) -> str:
    return tr("{start} to {end}", start=time_of(stated["start"]), end=time_of(stated["end"]))


def _level(value: float) -> str:
    return f"{value:z.1f}"


def _length(seconds: float) -> str:
    return duration(round(seconds * NS_PER_S)) if seconds else "0"


def event_words(event: dict[str, Any]) -> str:
    """Return an event in one line."""
    end = tr("still open") if event["open"] else clock_of(event["end"])
    return tr(
        "{kind}, {start} to {end}, {length} of user time",
        kind=term(event["kind"]),
        start=time_of(event["start"])[5:16],
        end=end,
        length=_length(event["user_time_s"]),
    )


def alarm_words(alarm: dict[str, Any]) -> str:
    """Return an alarm in one line."""
    times = trn("raised once", "raised {n} times", alarm["count"])
    return tr(
        "{title}, {priority}, {time}, {times}",
        title=alarm["title"][language()],
        priority=term(alarm["priority"]),
        time=time_of(alarm["first"])[5:16],
        times=times,
    )


def correction_words(correction: dict[str, Any]) -> str:
    """Return a correction in one line."""
    status = ""
    if correction["withdrawn"] is not None:
        status = tr(" (withdrawn)")
    elif correction["awaiting_confirmation"]:
        status = tr(" (awaiting confirmation)")
    return tr(
        "#{number} {what}{status}, {interval}: {reason} ({author})",
        number=correction["id"],
        what=assertion_word(Assertion(correction["assertion"])),
        status=status,
        interval=_span(correction),
        reason=correction["reason"],
        author=correction["author"],
    )


def incident_words(incident: dict[str, Any]) -> str:
    """Return an incident in one line."""
    status = tr(" (withdrawn)") if incident["withdrawn"] is not None else ""
    return tr(
        "#{number} {system}, {component}: {title}{status}, {interval}",
        number=incident["id"],
        system=incident["system"],
        component=incident["component"],
        title=incident["title"],
        status=status,
        interval=_span(incident),
    )


def open_questions(document: dict[str, Any]) -> list[str]:
    """Return what awaits review, one line each; gaps as one line."""
    found = document["open_questions"]
    if found is None:
        return []
    lines = [
        tr("exclusion #{number} awaits confirmation by another person", number=c["id"]) for c in found["exclusions"]
    ]
    lines += [
        tr("outage without a recorded cause, {start} to {end}", start=time_of(o["start"])[5:16], end=clock_of(o["end"]))
        for o in found["outages"]
    ]
    lines += [
        tr(
            "sensor fault: the witness saw beam, {start} to {end}",
            start=time_of(f["start"])[5:16],
            end=clock_of(f["end"]),
        )
        for f in found["sensor_faults"]
    ]
    if found["gaps_in_all"]:
        longest = max((g["duration_s"] for g in found["gaps"]), default=0.0)
        n = found["gaps_in_all"]
        lines.append(
            trn(
                "{n} stretch of unknown user time, of {longest}",
                "{n} stretches of unknown user time, the longest of {longest}",
                n,
                longest=_length(longest),
            )
        )
    return lines


def signed_words(handover: dict[str, Any]) -> str:
    """Return who signed, and when."""
    return tr("signed by {author}, {time}", author=handover["signed_by"], time=time_of(handover["signed_at"]))


def countersigned_words(handover: dict[str, Any]) -> str:
    """Return who countersigned, when, and the remark."""
    c = handover["countersigned"]
    said = tr("countersigned by {author}, {time}", author=c["by"], time=time_of(c["at"]))
    return f"{said}: {c['remark']}" if c["remark"] else said
