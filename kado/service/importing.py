"""Puts imported files into a store, and what waits into InfluxDB, while no service runs."""

import random
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from collector.files.importer import import_file
from collector.files.layout import Layout
from collector.files.preview import Preview, preview
from collector.files.summary import ImportProgress, ImportSummary
from facility.profile import Profile
from facility.schedule import ScheduleVersion
from facility.time import Clock, format_time
from kado.config import Configuration
from kado.journal import open_journal
from kado.output import note
from kado.progress import progress_bar
from kado.queries.identity import identity
from kado.writers import make_forwarder, make_landing


def preview_samples(configuration: Configuration, path: Path, layout: Layout) -> Preview:
    """Return the first rows of a file as an import would understand them; see `collector.files.preview`."""
    return preview(path, layout, configuration.profile, [source.id for source in configuration.sources])


def import_samples(
    configuration: Configuration, path: Path, layout: Layout, clock: Clock, *, again: bool
) -> ImportSummary:
    """Import a file with a progress bar; see `collector.files.importer.import_file`.

    Interrupted with Ctrl-C, it says where the same command goes on.
    """
    kind = configuration.backend.kind
    reached = 0
    with progress_bar(path.name, 1) as bar:

        def show(progress: ImportProgress) -> None:
            nonlocal reached
            reached = progress.last_number
            rejected = f", {progress.rejected:,} rejected" if progress.rejected else ""
            bar.advance_to(progress.done, f"{progress.rows:,} rows{rejected}", progress.total)

        data_dir, profile = configuration.data_dir, configuration.profile
        sources = [source.id for source in configuration.sources]
        try:
            summary = import_file(
                path, layout, profile, data_dir, kind, clock=clock, again=again, sources=sources, progress=show
            )
        except KeyboardInterrupt:
            stored = f"up to line or row {reached:,} all is stored" if reached else "nothing was stored"
            note(f"kado: interrupted: {stored}; run the same command again to continue")
            raise
    forward_waiting(configuration, clock)
    return summary


def add_versions(
    configuration: Configuration, versions: tuple[ScheduleVersion, ...], origin: str, author: str = "kado"
) -> int:
    """Add the versions of a calendar that the journal does not have; return how many that were."""
    with open_journal(configuration) as journal:
        return journal.add_schedule_versions(versions, author, origin)


def forward_waiting(configuration: Configuration, clock: Clock) -> None:
    """Forward all that waits for a server, with a progress bar; with the embedded store nothing does.

    Raises
    ------
    AuthorizationError, UnreachableError, DataError
        If it does not get there. What is left waits for the next run.
    """
    forwarder = make_forwarder(configuration, clock, random.Random())
    if forwarder is None:
        return
    with forwarder, make_landing(configuration, clock) as landing:
        waiting = landing.status().waiting_samples
        with progress_bar(f"to {configuration.backend.name}", waiting) as bar:
            for _ in _while_running(forwarder.drain):
                delivered = forwarder.status().delivered
                bar.advance_to(delivered, f"{delivered:,} samples", max(waiting, delivered))


def _while_running(work: Callable[[], None]) -> Generator[None]:
    """Do `work` in a thread and yield now and then until it is done; an error of it is raised here."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=guarded, name="forwarding", daemon=True)
    thread.start()
    while thread.is_alive():
        yield
        time.sleep(0.1)
    if errors:
        raise errors[0]


def preview_document(profile: Profile, found: Preview) -> dict[str, Any]:
    """Return the first rows of a file for programs."""
    rows = [
        {
            "number": row.number,
            "time": None if row.time_ns is None else format_time(row.time_ns, profile.zone),
            "signal": row.signal,
            "value": row.value,
            "quality": None if row.quality is None else row.quality.word,
            "rejected": row.rejected,
        }
        for row in found.rows
    ]
    return {
        **identity(profile),
        "file": found.file,
        "form": found.form,
        "columns": found.columns,
        "notes": list(found.notes),
        "row_word": found.row_word,
        "rows": rows,
    }


def summary_document(profile: Profile, result: ImportSummary) -> dict[str, Any]:
    """Return the same for programs."""
    times = {
        name.removesuffix("_ns"): None if ns is None else format_time(ns, profile.zone)
        for name in ("first_ns", "last_ns", "finished_before_ns")
        for ns in [getattr(result, name)]
    }
    kept = {k: v for k, v in asdict(result).items() if not k.endswith("_ns") and k != "rejected"}
    rejected = [
        {"cause": r.cause.value, "count": r.count, "first": list(r.first), "text": r.text} for r in result.rejected
    ]
    return {**identity(profile), **kept, **times, "rejected": rejected}
