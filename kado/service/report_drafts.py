"""Last month's draft, made on the first of the month and handed to the site."""

import json
import logging
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from facility.errors import KadoError
from facility.period import Period, month_of
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, Clock, from_datetime, to_datetime
from kado.config import Configuration
from kado.queries.drafts import Draft, drafts_folder, load_drafts, write_draft
from kado.service.hourly import Hourly
from kado.service.report_mail import send_draft

LOG: Final = logging.getLogger(__name__)
TIME_LIMIT_S: Final = 900
"""For making a draft, and for the site's command."""


class DraftError(KadoError):
    """A draft that could not be made or handed over; it is tried again at the next full hour."""


class ReportDrafts:
    """Makes the draft of each month that is over, once, at the first full hour at or after ``[report] draft_at``.

    The report is made by a process of its own: its memory and its errors are not the service's. A draft that was
    made and not handed over is handed over at the next hour; it is made once.
    """

    def __init__(self, configuration: Configuration, clock: Clock) -> None:
        self._configuration = configuration
        self._clock = clock
        self._hourly = Hourly(clock, (DraftError, OSError), lambda text: LOG.error("report draft: %s", text))

    async def run(self) -> None:
        """Work until cancelled."""
        await self._hourly.run(self.work)

    def work(self) -> None:
        """Make and hand over what is due."""
        due = self.due()
        if due is None:
            return
        known = {d.period: d for d in load_drafts(self._configuration)}
        draft = known.get(due.id)
        if draft is None:
            draft = self._make(due)
            LOG.info("report draft of %s: %s; corrections can enter until %s", due.id, draft.path, draft.open_until)
        self._hourly.go_on()
        if not draft.handed_over:
            self._hand_over(draft)

    def due(self) -> Period | None:
        """Return the month whose draft is due; None before the set time of the first."""
        settings, zone = self._configuration.settings.report, self._configuration.profile.zone
        if settings.draft_at is None:
            return None
        now = to_datetime(self._clock(), zone)
        first = datetime.combine(date(now.year, now.month, 1), time.fromisoformat(settings.draft_at), zone)
        if now < first:
            return None
        return month_of(from_datetime(first.replace(hour=0, minute=0)) - NS_PER_DAY, zone)

    def _make(self, month: Period) -> Draft:
        configuration = self._configuration
        settings, zone = configuration.settings.report, configuration.profile.zone
        folder = drafts_folder(configuration)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{configuration.profile.id}_{month.id}_{settings.lang}.pdf"
        command = [
            *(sys.executable, "-m", "kado", "report", "make", month.id),
            *("--config", str(configuration.path), "--lang", settings.lang, "--format", "pdf", "--out", str(path)),
        ]
        _run(command, configuration.folder, f"the draft of {month.id}")
        now_ns = self._clock()
        until = to_datetime(now_ns, zone).date() + timedelta(days=settings.corrections_days)
        draft = Draft(month.id, path, now_ns, until, handed_over=not (settings.command or settings.mail))
        write_draft(configuration, draft)
        return draft

    def _hand_over(self, draft: Draft) -> None:
        settings = self._configuration.settings.report
        if settings.command:
            _run([*settings.command, str(draft.path)], self._configuration.folder, "[report] command")
        if settings.mail is not None:
            try:
                send_draft(self._configuration, settings.mail, draft)
            except OSError as error:
                raise DraftError(
                    Sentence("the draft of {period} could not be mailed: {error}", period=draft.period, error=error)
                ) from error
        write_draft(self._configuration, draft.as_handed_over())


def _run(command: list[str], folder: Path, what: str) -> None:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DraftError(Sentence("{what} could not be run: {error}", what=what, error=error)) from error
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise DraftError(
            Sentence(
                "{what} ended with {returncode}: {dumps}",
                what=what,
                returncode=done.returncode,
                dumps=json.dumps(said[-1] if said else ""),
            )
        )
