"""``kado store init``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from facility.errors import ProblemFoundError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.time import NS_PER_DAY, NS_PER_H
from kado.cli.command import ConfigOption, Format, FormatOption
from kado.config import load_configuration
from kado.language import tr, trn
from kado.output import print_json, show, table, title
from kado.service.store_setup import set_up, setup_document
from storage.provisioning import BucketOutcome, Found, Setup


def init_store(
    operator_token_file: Annotated[
        Path | None, typer.Option(help="File with a token that may create buckets; default: the token of [store].")
    ] = None,
    operator_token_env: Annotated[
        str | None, typer.Option(help="Environment variable with such a token, instead of a file.")
    ] = None,
    write_token: Annotated[
        bool,
        typer.Option(
            "--write-token",
            help="Create a token for these buckets only, in store.token_file; an existing file is not overwritten.",
        ),
    ] = False,
    update: Annotated[
        bool,
        typer.Option(
            "--update", help="Change the retention of existing buckets. If shorter, InfluxDB deletes older samples."
        ),
    ] = False,
    config: ConfigOption = None,
    output: FormatOption = Format.TABLE,
) -> None:
    r"""Create the InfluxDB buckets of [store].

    One bucket for samples and one, ending in _1m, for 1-minute aggregates, with the retention of retention_days
    and minutes_retention_days. Can be repeated safely: existing buckets are reported and not changed. Ends with
    1 if the retention of a bucket differs from kado.toml.

    \b
    Examples:
      kado store init --operator-token-file operator.token --write-token
      kado store init --update
    """
    configuration = load_configuration(config)
    setup = set_up(
        configuration, token_file=operator_token_file, token_env=operator_token_env, write=write_token, update=update
    )
    if output is Format.JSON:
        print_json(setup_document(configuration.profile, setup))
    else:
        show(*setup_table(configuration.profile, setup))
    if setup.differing:
        names = " and ".join(bucket.name for bucket in setup.differing)
        raise ProblemFoundError(
            Sentence(
                "the server keeps the samples of {names} for another time than kado.toml says: "
                "correct kado.toml, or let kado store init --update change the server",
                names=names,
            )
        )


def setup_table(profile: Profile, setup: Setup) -> list[RenderableType]:
    """Return a line for each bucket, and one for the token."""
    rows = table(["", "name", "state", "keeps"])
    for bucket in setup.buckets:
        rows.add_row(tr("bucket"), bucket.name, tr(bucket.found.value), _keeps(bucket))
    if setup.token_file is not None:
        state = tr("created") if setup.token_made else tr("unchanged")
        rows.add_row(tr("token"), setup.token_file.name, state, tr("reads and writes these buckets"))
    return [title(profile, tr("InfluxDB at {url}, organisation {org}", url=setup.url, org=setup.org)), rows]


def _keeps(bucket: BucketOutcome) -> str:
    if bucket.found is Found.DIFFERS:
        return tr("{found}; kado.toml: {wanted}", found=_duration(bucket.before_ns), wanted=_duration(bucket.wanted_ns))
    if bucket.found is Found.CHANGED:
        return tr("{wanted}, before {found}", wanted=_duration(bucket.wanted_ns), found=_duration(bucket.before_ns))
    return _duration(bucket.wanted_ns)


def _duration(ns: int | None) -> str:
    if ns is None:
        return tr("without limit")
    return trn("{n} day", "{n} days", ns // NS_PER_DAY) if ns % NS_PER_DAY == 0 else f"{ns / NS_PER_H:g} h"
