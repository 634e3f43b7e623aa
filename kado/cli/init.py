"""``kado init``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from facility.errors import ConfigError
from facility.profile import load_profile
from facility.sentence import Sentence
from kado.sample_config import sample_configuration


class StoreKind(StrEnum):
    """Where samples are to be kept."""

    EMBEDDED = "embedded"
    INFLUXDB = "influxdb"


class SourceKind(StrEnum):
    """Where signals are to come from."""

    SIMULATOR = "simulator"
    MQTT = "mqtt"


def init(
    facility: Annotated[
        str, typer.Option(help="A profile shipped with kado, or the path of your own .toml file.")
    ] = "nanoterasu_sim",
    store: Annotated[StoreKind, typer.Option(help="Where samples are kept.")] = StoreKind.EMBEDDED,
    source: Annotated[
        SourceKind | None,
        typer.Option(help="Source of the signals; default: a simulator for a simulated facility, otherwise MQTT."),
    ] = None,
    path: Annotated[
        Path, typer.Option("--config", "-c", help="The file to write; an existing file is never overwritten.")
    ] = Path("kado.toml"),
) -> None:
    r"""Write a kado.toml with an explanation of every option.

    \b
    Examples:
      kado init
      kado init --facility nanoterasu --store influxdb
    """
    profile = load_profile(facility, path.absolute().parent)
    kind = source or (SourceKind.SIMULATOR if profile.simulated else SourceKind.MQTT)
    if kind is SourceKind.SIMULATOR and not profile.simulated:
        raise ConfigError(
            Sentence(
                "facility {profile} is a real one: take --source mqtt, or --facility nanoterasu_sim", profile=profile.id
            )
        )
    text = sample_configuration(profile, facility, store.value, kind.value)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(
            Sentence("{path} exists already and is left as it is: move it away, or name another", path=path)
        ) from error
    except OSError as error:
        raise ConfigError(Sentence("{path} cannot be written: {reason}", path=path, reason=error.strerror)) from error
    print(f"{path} written; read it, then: kado check")
