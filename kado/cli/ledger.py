"""``kado ledger``."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import RenderableType

from collector.ledger import Ledger, read_ledger, verify_ledger
from facility.errors import ProblemFoundError
from facility.profile import Profile
from kado.cli.cause_words import cause_in_words
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import term, tr, trn
from kado.language.terms import LEDGER
from kado.output import print_json, show, table, title
from kado.queries.ledger import causes_of, ledger_document
from kado.rounding import count
from kado.stores import open_store
from storage.telemetry_db.counters import Entry


def ledger(
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Count the samples in the store and list every difference; ends with 1 if there is one."
        ),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Show the account of all received samples.

    received = stored + waiting + rejected + dropped + lost; each is counted in the transaction that stores the
    data.

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
        raise ProblemFoundError(
            trn(
                "the ledger shows {n} problem, listed above",
                "the ledger shows {n} problems, listed above",
                len(loaded.problems),
            )
        )
    if differences:
        raise ProblemFoundError(
            trn(
                "{n} difference between the ledger and the store",
                "{n} differences between the ledger and the store",
                len(differences),
            )
        )


def ledger_table(profile: Profile, ledger: Ledger, differences: Sequence[str] | None) -> list[RenderableType]:
    """Return a row for each source, the causes of what was not stored, and what a check of the store found."""
    lines: list[RenderableType] = [title(profile, tr("ledger of samples"))]
    rows = table(["source"], [term(name) for name in LEDGER])
    for total in ledger.sources():
        rows.add_row(total.source or tr("(none)"), *(count(getattr(total, name)) for name in LEDGER))
    if len(ledger.sources()) != 1:
        sums = [sum(getattr(t, name) for t in ledger.sources()) for name in LEDGER]
        rows.add_row(tr("all"), *map(count, sums))
    lines += [rows, tr("received = stored + waiting + rejected + dropped + lost")]
    if rewritten := ledger.total(Entry.REWRITTEN):
        conflicts = ledger.total(Entry.CONFLICT)
        again = tr("stored again: {n}, with another value: {conflicts}", n=count(rewritten), conflicts=count(conflicts))
        lines.append(again)
    if deleted := ledger.total(Entry.DELETED):
        lines.append(tr("deleted by retention: {n}", n=count(deleted)))
    if causes := causes_of(ledger):
        by_cause = table(["", "cause"], ["samples"])
        for (entry, cause), n in causes:
            by_cause.add_row(term(entry.value), cause_in_words(cause), count(n))
        lines += ["", by_cause]
    if differences is None and ledger.problems:
        lines += ["", *ledger.problems]
    if differences is not None:
        lines.append("")
        lines += differences or [tr("verified: the {store} store agrees with the ledger", store=ledger.store_kind)]
    return lines
