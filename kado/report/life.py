"""The life of a report: draft, issued, revised; and whether a file still says what kado would say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final, cast

from collector.ledger import SourceTotals
from facility.errors import ConfigError, ReportError
from facility.issued_report import IssuedReport
from facility.reasons import reason_of
from facility.sentence import Sentence
from facility.text import Language
from facility.time import Clock, format_second, system_clock
from kado.config import Configuration
from kado.journal import has_journal, open_journal
from kado.language import in_language
from kado.queries.report import ReportInputs, figures_digest, load_report, report_inputs_document
from kado.report.cells import local_time
from kado.report.content import Edition, Layout, make_report, stamp_of
from kado.report.forms import Form, render
from kado.report.model import Report
from kado.report.record_sections import Change
from kado.report.stamp import MAX_BYTES, Stamp, read_stamp

_FIGURES: Final = ("availability", "beside", "months", "downtime_by_system")
"""Parts of a report's document in which two editions are compared."""

MAX_LOGO_BYTES: Final = 4 * 1024**2
MAX_LOGO_PIXELS: Final = 16_000_000
"""A logo stands 18 mm high; what is larger is not read."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of making a report file again."""

    stamp: Stamp
    identical: bool
    """Byte for byte."""
    same_figures: bool
    changed: tuple[str, ...]
    """Which of profile, schedule, journal, data, kado are not what they were."""


def layout_of(configuration: Configuration) -> Layout:
    """Return what the site chose in ``[report]``.

    Raises
    ------
    ConfigError
        If the logo cannot be read, is no SVG or PNG, or is too large.
    """
    chosen = configuration.settings.report
    logo = None if chosen.logo is None else _logo(configuration.folder / chosen.logo)
    return Layout(chosen.sections or Layout().sections, chosen.signatures, logo)


def _logo(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            logo = file.read(MAX_LOGO_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            Sentence("[report] logo: {path} cannot be read: {reason}", path=path, reason=reason_of(error))
        ) from error
    is_png = logo[:8] == b"\x89PNG\r\n\x1a\n"
    if not (is_png or b"<svg" in logo[:1024]):
        raise ConfigError(Sentence("[report] logo: {path} is no picture in SVG or PNG", path=path))
    if len(logo) > MAX_LOGO_BYTES:
        raise ConfigError(
            Sentence("[report] logo: {path} has more than {limit:,} bytes", path=path, limit=MAX_LOGO_BYTES)
        )
    # A small file can unfold to gigabytes; the size stands in the first chunk.
    width, height = (int.from_bytes(logo[at : at + 4], "big") for at in (16, 20))
    if is_png and width * height > MAX_LOGO_PIXELS:
        raise ConfigError(
            Sentence(
                "[report] logo: {path} has {width:,} x {height:,} pixels; at most {limit:,} in all are accepted",
                path=path,
                width=width,
                height=height,
                limit=MAX_LOGO_PIXELS,
            )
        )
    return logo


def editions(
    configuration: Configuration, period: str | None = None, definition: str | None = None
) -> list[IssuedReport]:
    """Return the issued reports of this facility, oldest first; of one period and definition where they are given."""
    if not has_journal(configuration):
        return []
    with open_journal(configuration) as journal:
        issued = journal.issued_reports()
    return [
        r
        for r in issued
        if r.facility == configuration.profile.id
        and (period is None or r.period == period)
        and (definition is None or r.definition == definition)
    ]


def edition_of(inputs: ReportInputs, issued: Sequence[IssuedReport]) -> Edition:
    """Return the edition that states the same figures as `inputs`; a draft where none does."""
    digest = figures_digest(inputs)
    for report in reversed(issued):
        if report.figures_digest == digest:
            at = local_time(report.recorded_at_ns, inputs.loaded.profile.zone)
            return Edition(report.edition, at, report.author)
    return Edition(0, previous=len(issued))


def current_report(configuration: Configuration, inputs: ReportInputs, language: Language) -> Report:
    """Make the report in a language, marked with the edition that it is, and with its differences to the last one."""
    loaded = inputs.loaded
    issued = editions(configuration, loaded.availability.period.id, loaded.definition.id)
    edition = edition_of(inputs, issued)
    earlier = [r for r in issued if edition.number == 0 or r.edition < edition.number]
    changes = differences(earlier[-1].document, report_inputs_document(inputs)) if earlier else []
    with in_language(language):
        return make_report(inputs, layout_of(configuration), edition, changes)


def issue(
    configuration: Configuration,
    period: str,
    definition: str | None,
    author: str,
    *,
    clock: Clock = system_clock,
) -> tuple[IssuedReport, list[Change]]:
    """Freeze the figures of a period in the journal; return the edition and how it differs from the last one.

    Raises
    ------
    ReportError
        If the period is not over, or the last edition states the same.
    """
    inputs = load_report(configuration, period, definition, clock=clock)
    loaded = inputs.loaded
    asked = loaded.availability.period
    if loaded.availability.counted_until_ns < asked.end_ns:
        raise ReportError(
            Sentence(
                "period {period} ends on {end}: its report can be issued when it is over; until then 'kado report'"
                " gives a draft",
                period=asked.id,
                end=format_second(asked.end_ns, loaded.profile.zone),
            )
        )
    document = report_inputs_document(inputs)
    earlier = editions(configuration, asked.id, loaded.definition.id)
    new = IssuedReport(
        facility=loaded.profile.id,
        period=asked.id,
        start_ns=asked.start_ns,
        end_ns=asked.end_ns,
        definition=loaded.definition.id,
        edition=0,
        author=author,
        recorded_at_ns=0,
        known_on_ns=loaded.as_known_on_ns,
        figures_digest=figures_digest(inputs),
        document=document,
    )
    with open_journal(configuration) as journal:
        issued = journal.issue_report(new)
    return issued, differences(earlier[-1].document, document) if earlier else []


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Change]:
    """Return the values in which the figures of two documents differ, in order of their place."""
    found: list[Change] = []
    for part in _FIGURES:
        _compare(part, before.get(part), after.get(part), found)
    return [d for d in found if not d.path.endswith("as_known_on")]


def _compare(path: str, before: Any, after: Any, found: list[Change]) -> None:
    if isinstance(before, dict) and isinstance(after, dict):
        one, other = cast("dict[str, Any]", before), cast("dict[str, Any]", after)
        for key in [*one, *(k for k in other if k not in one)]:
            _compare(f"{path}.{key}", one.get(key), other.get(key), found)
    elif isinstance(before, list) and isinstance(after, list):
        pairs = zip_longest(cast("list[Any]", before), cast("list[Any]", after))
        for i, (old, new) in enumerate(pairs):
            _compare(f"{path}[{i}]", old, new, found)
    elif before != after:
        found.append(Change(path, cast("object", before), cast("object", after)))


def verify_file(configuration: Configuration, path: Path, *, clock: Clock = system_clock) -> Verification:
    """Make a report file again from today's data and record, as known on the file's date, and compare.

    Raises
    ------
    ReportError
        If the file is no report of this facility.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ReportError(
                Sentence(
                    "{path} is {st_size:,} bytes; a report has at most {max_bytes:,}",
                    path=path,
                    st_size=path.stat().st_size,
                    max_bytes=MAX_BYTES,
                )
            )
        content = path.read_bytes()
    except OSError as error:
        raise ReportError(Sentence("{path} cannot be read: {reason}", path=path, reason=reason_of(error))) from error
    stamp = read_stamp(str(path), content)
    if stamp.facility != configuration.profile.id:
        raise ReportError(
            Sentence(
                "{path} is a report of facility {other}; this configuration is of {facility}",
                path=path,
                other=stamp.facility,
                facility=configuration.profile.id,
            )
        )
    inputs = load_report(configuration, stamp.period, stamp.definition, stamp.as_known_on, clock=clock)
    inputs = replace(inputs, provenance=replace(inputs.provenance, ledger=_ledger_of(path, stamp)))
    issued = editions(configuration, inputs.loaded.availability.period.id, inputs.loaded.definition.id)
    known = next((r for r in issued if r.edition == stamp.edition), None)
    # A draft knew the editions of its own time.
    before = [r for r in issued if r.recorded_at_ns <= inputs.loaded.as_known_on_ns]
    edition = Edition(0, previous=len(before))
    if known is not None:
        edition = Edition(known.edition, local_time(known.recorded_at_ns, inputs.loaded.profile.zone), known.author)
    earlier = before if known is None else [r for r in issued if r.edition < known.edition]
    changes = differences(earlier[-1].document, report_inputs_document(inputs)) if earlier else []
    with in_language("ja" if stamp.language == "ja" else "en"):
        report = make_report(inputs, layout_of(configuration), edition, changes)
    again = stamp_of(inputs, edition, stamp.language)
    names = ("kado", "profile", "schedule", "journal", "data")
    changed = tuple(name for name in names if getattr(again, name) != getattr(stamp, name))
    font_dir = configuration.settings.report.font_dir
    made = render(report, Form(stamp.form), None if font_dir is None else configuration.folder / font_dir)
    return Verification(stamp, made == content, again.figures == stamp.figures, changed)


def _ledger_of(path: Path, stamp: Stamp) -> tuple[SourceTotals, ...]:
    try:
        return tuple(SourceTotals(*row) for row in json.loads(stamp.ledger))
    except (ValueError, TypeError) as error:
        raise ReportError(
            Sentence("the stamp of {path} cannot be read ({error}): the file was changed", path=path, error=error)
        ) from error
