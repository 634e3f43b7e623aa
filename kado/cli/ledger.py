"""``kado ledger``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType

from collector.causes import Cause
from collector.ledger import Ledger, read_ledger, verify_ledger
from facility.errors import ProblemFoundError
from facility.profile import Profile
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.output import print_json, show, table, title
from kado.queries.ledger import COLUMNS, causes_of, ledger_document
from kado.rounding import count
from kado.stores import open_store
from storage.telemetry_db.counters import Entry


def ledger(
    verify: Annotated[
        bool, typer.Option("--verify", help="Count the store itself and name every difference; ends with 1 on one.")
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Account for every sample that was received.

    received = stored + waiting + rejected + dropped + lost, counted in the transaction of the data that is counted.

    \b
    Examples:
      kado ledger
      kado ledger --verify
    """
    configuration = load_configuration(config)
    differences: list[str] | None = None
    if verify:
        with open_store(configuration) as store:
            differences = verify_ledger(read_ledger(configuration.data_dir, check_outbox=True), store)
    loaded = read_ledger(configuration.data_dir)
    if output is Format.JSON:
        print_json(ledger_document(configuration.profile, loaded, differences))
    else:
        show(*ledger_table(configuration.profile, loaded, differences))
    if differences is None and loaded.problems:
        raise ProblemFoundError(f"the ledger shows {len(loaded.problems)} problems, listed above")
    if differences:
        raise ProblemFoundError(f"{len(differences)} differences between the ledger and the store")


def ledger_table(profile: Profile, ledger: Ledger, differences: Sequence[str] | None) -> list[RenderableType]:
    """Return a row for each source, the causes of what was not stored, and what a check of the store found."""
    lines: list[RenderableType] = [title(profile, "ledger of samples 収支台帳")]
    rows = table(["source"], COLUMNS)
    for total in ledger.sources():
        rows.add_row(total.source or "(none)", *(count(getattr(total, name)) for name in COLUMNS))
    if len(ledger.sources()) != 1:
        sums = [sum(getattr(t, name) for t in ledger.sources()) for name in COLUMNS]
        rows.add_row("all", *map(count, sums))
    lines += [rows, "received = stored + waiting + rejected + dropped + lost"]
    if rewritten := ledger.total(Entry.REWRITTEN):
        conflicts = ledger.total(Entry.CONFLICT)
        lines.append(f"stored again: {count(rewritten)} known already, of which {count(conflicts)} said otherwise")
    if deleted := ledger.total(Entry.DELETED):
        lines.append(f"deleted by retention: {count(deleted)}")
    if causes := causes_of(ledger):
        by_cause = table(["", "cause"], ["samples"])
        for (entry, cause), n in causes:
            by_cause.add_row(entry.value, _words(cause), count(n))
        lines += ["", by_cause]
    if differences is None and ledger.problems:
        lines += ["", *ledger.problems]
    if differences is not None:
        lines.append("")
        lines += differences or [f"verified: the {ledger.store_kind} store holds what the ledger says"]
    return lines


def _words(cause: str) -> str:
    """Return a cause with its meaning; a cause that intake does not name stands for itself."""
    known = {c.value: c.words.en for c in Cause}
    return f"{cause}: {known[cause]}" if cause in known else cause
