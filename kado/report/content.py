"""Makes a report of what was read: sections with their tables and charts, in the language of now."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final

from analytics.energy import POWER_UNIT
from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.text import SIMULATED
from facility.time import format_time
from kado.language import language, tr, words
from kado.output import stretch
from kado.queries.report import ReportInputs, figures_digest, report_inputs_document
from kado.report import beside_sections, figure_sections, record_sections, time_sections
from kado.report.cells import local_time, period_name, period_words, time_words
from kado.report.model import Report, Section
from kado.report.record_sections import Change, changes_section
from kado.report.sentences import headline, summary
from kado.report.stamp import Stamp
from kado.report.words import year_name

SECTIONS: Final[Mapping[str, Callable[[ReportInputs], Section | None]]] = {
    "figures": figure_sections.figures,
    "remarks": beside_sections.remarks,
    "signal": time_sections.signal,
    "calendar": time_sections.calendar,
    "months": figure_sections.months,
    "accounts": figure_sections.accounts,
    "failures": time_sections.failures,
    "systems": record_sections.systems,
    "alarms": beside_sections.alarms,
    "unknown": time_sections.unknown,
    "corrections": record_sections.corrections,
    "reliability": figure_sections.reliability,
    "outlook": figure_sections.outlook,
    "beamlines": record_sections.beamlines,
    "milestones": record_sections.milestones,
    "facilities": beside_sections.facilities,
    "provenance": record_sections.provenance,
}
"""Every section a report may have, in the order in which they stand unless a site chooses its own."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What a site chooses of its reports; ``[report]`` in kado.toml."""

    sections: tuple[str, ...] = tuple(SECTIONS)
    signatures: tuple[str, ...] = ()
    logo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Edition:
    """Where a report stands in its life."""

    number: int = 0
    """0 is a draft."""
    issued_at: datetime | None = None
    author: str = ""
    previous: int = 0
    """Of a draft: the edition that it would follow."""

    @property
    def state(self) -> str:
        """The word for it, in the language of now."""
        if self.number == 0:
            return tr("Draft of edition {number}", number=self.previous + 1) if self.previous else tr("Draft")
        return tr("Issued") if self.number == 1 else tr("Revised, edition {number}", number=self.number)


def make_report(
    inputs: ReportInputs,
    layout: Layout | None = None,
    edition: Edition | None = None,
    changes: Sequence[Change] = (),
) -> Report:
    """Make the report in the language of now.

    Parameters
    ----------
    changes
        In what the figures differ from the last edition.

    Raises
    ------
    ConfigError
        If the layout names a section that there is not.
    """
    layout, edition = layout or Layout(), edition or Edition()
    for name in layout.sections:
        if name not in SECTIONS:
            raise ConfigError(
                Sentence(
                    "[report] sections names {name!r}, which is not a section: {sections}",
                    name=name,
                    sections=", ".join(SECTIONS),
                )
            )
    loaded = inputs.loaded
    profile, period, zone = loaded.profile, loaded.availability.period, loaded.profile.zone
    start, end = (local_time(ns, zone) for ns in (period.start_ns, period.end_ns))
    made_at = local_time(loaded.as_known_on_ns, zone)
    made = [SECTIONS[name](inputs) for name in layout.sections]
    if changes:
        made.insert(0, changes_section(changes))
    power = profile.delivery.unit == POWER_UNIT
    title = tr("Availability report") if power else tr("Light-source availability report")
    document = report_inputs_document(inputs)
    stamp = stamp_of(inputs, edition, language())
    return Report(
        language=language(),
        title=title,
        facility=words(profile.name),
        period=year_name(period_name(period.id, start, end)),
        watermark=f"{SIMULATED.en} / {SIMULATED.ja}" if profile.simulated else None,
        state=edition.state,
        head=_head(inputs, edition, made_at),
        headline=headline(inputs),
        summary=summary(inputs),
        sections=tuple(section for section in made if section is not None),
        signatures=layout.signatures,
        made_at=made_at,
        logo=layout.logo,
        words={
            "period": period_words(period.id, start, end),
            "summary": tr("In short"),
            "charts": tr("Charts"),
            "none": tr("None."),
            "logo": tr("Logo of the facility"),
            "footer": tr(
                "kado {version} · definition {definition} · data {digest}",
                version=inputs.provenance.kado_version,
                definition=loaded.definition.id,
                digest=inputs.provenance.data_digest,
            ),
        },
        document={**document, "edition": edition.number, "language": language()},
        stamp=stamp,
    )


def _head(inputs: ReportInputs, edition: Edition, made_at: datetime) -> tuple[tuple[str, str], ...]:
    loaded = inputs.loaded
    zone, period = loaded.profile.zone, loaded.availability.period
    rows = [
        (tr("Facility"), f"{words(loaded.profile.name)} ({loaded.profile.id})"),
        (tr("Period"), stretch(period.start_ns, period.end_ns, zone)),
        (tr("Definition"), f"{loaded.definition.id}: {words(loaded.definition.title)}"),
        (tr("State"), edition.state),
    ]
    if edition.number and edition.issued_at is not None:
        rows.append((tr("Issued"), f"{time_words(edition.issued_at)}, {edition.author}"))
    rows.append((tr("Record as known on"), time_words(made_at)))
    return tuple(rows)


def stamp_of(inputs: ReportInputs, edition: Edition, chosen: str) -> Stamp:
    """Return how a report is made, but for its form."""
    loaded, p = inputs.loaded, inputs.provenance
    return Stamp(
        facility=loaded.profile.id,
        period=loaded.availability.period.id,
        definition=loaded.definition.id,
        as_known_on=format_time(loaded.as_known_on_ns, loaded.profile.zone),
        language=chosen,
        form="",
        edition=edition.number,
        kado=p.kado_version,
        figures=figures_digest(inputs),
        profile=f"{p.profile_digest}.{p.definition_digest}",
        schedule=p.schedule_digest,
        journal=p.journal_digest,
        data=p.data_digest,
        ledger=json.dumps([astuple(t) for t in p.ledger], separators=(",", ":")),
    )
