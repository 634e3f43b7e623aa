"""Figures of many facilities and periods: independent pieces of work, for any kind of worker."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from socket import gethostname
from typing import Any

from facility.errors import ConfigError, KadoError
from facility.sentence import Sentence
from facility.time import Clock, format_time, parse_time, system_clock
from kado.config import ENV_PREFIX, load_configuration
from kado.queries.availability import load_availability
from kado.queries.availability_document import availability_document
from kado.queries.downtime_budget import with_budget
from kado.queries.fleet_workers import Lost, Run
from kado.version import __version__


@dataclass(frozen=True, slots=True)
class Piece:
    """One facility, one period, one definition: all that a worker has to know."""

    folder: Path
    """Where a relative `configuration` starts from."""
    configuration: Path
    """A ``kado.toml``, as it was asked for."""
    period: str
    definition: str | None
    """None: the facility's own."""
    as_known_on_ns: int
    now_ns: int
    """Nothing is known of what comes later, however long the work takes."""
    kado: str
    """The version that asked."""

    @property
    def name(self) -> str:
        """What to call it in a message."""
        definition = "" if self.definition is None else f" by {self.definition}"
        return f"{self.configuration} {self.period}{definition}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a piece: a document or an error."""

    piece: Piece
    availability: dict[str, Any] | None
    """As ``kado availability --format json`` prints it."""
    error: str = ""

    @property
    def document(self) -> dict[str, Any]:
        """The outcome for programs."""
        return {
            "config": str(self.piece.configuration),
            "period": self.piece.period,
            "definition": self.piece.definition,
            "availability": self.availability,
            "error": self.error or None,
        }


def pieces(
    configurations: Sequence[str],
    periods: Sequence[str],
    definitions: Sequence[str] = (),
    as_known_on: str | None = None,
    *,
    clock: Clock = system_clock,
) -> list[Piece]:
    """Return every configuration with every period with every definition, in this order.

    Parameters
    ----------
    configurations
        Paths of ``kado.toml``, or patterns such as ``fleet/*/kado.toml``, each put in order of name.
    definitions
        Ids; none: each facility's own.
    as_known_on
        ISO 8601; None: now, the same for all.

    Raises
    ------
    ConfigError
        If a pattern finds nothing, or the environment would make all configurations the same one.
    TimeError
        If `as_known_on` cannot be read.
    """
    now_ns, folder = clock(), Path.cwd()
    known_on_ns = now_ns if as_known_on is None else parse_time(as_known_on)
    paths = [path for name in configurations for path in _found(folder, name)]
    _check_environment(paths)
    return [
        Piece(folder, path, period, definition, known_on_ns, now_ns, __version__)
        for path, period, definition in product(paths, periods, definitions or [None])
    ]


def compute(piece: Piece) -> Outcome:
    """Compute what ``kado availability`` says; every error is an outcome, so that the others go on."""

    def clock() -> int:
        return piece.now_ns

    if (here := __version__) != piece.kado:
        # Another version may count otherwise, and nobody would see which line came from which.
        where = f"the worker on {gethostname()} has kado {here}, and {piece.kado} asks"
        return Outcome(piece, None, f"{where}: install the same version on both")
    try:
        configuration = load_configuration(piece.folder / piece.configuration)
        known_on = format_time(piece.as_known_on_ns)
        found = load_availability(configuration, piece.period, piece.definition, known_on, clock=clock)
        return Outcome(piece, availability_document(with_budget(configuration, found, clock=clock)))
    except KadoError as error:
        return Outcome(piece, None, str(error))
    except MemoryError:
        return Outcome(piece, None, "there is not enough memory: ask for shorter periods, or for fewer --workers")
    except Exception as error:
        defect = (
            f"a defect in kado: {type(error).__name__}: {error}; 'kado availability --debug' of the same shows where"
        )
        return Outcome(piece, None, defect)


def compute_all(work: Sequence[Piece], run: Run) -> Iterator[Outcome]:
    """Yield the outcome of each piece, in their order; the same for any kind of worker.

    Parameters
    ----------
    run
        Of `kado.queries.fleet_workers`.
    """
    answers: Iterable[Outcome | Lost] = run(compute, work)
    for piece, answer in zip(work, answers, strict=True):
        yield Outcome(piece, None, answer.why) if isinstance(answer, Lost) else answer


def _found(folder: Path, name: str) -> list[Path]:
    if not set("*?[") & set(name):
        return [Path(name)]
    pattern = Path(name)
    if pattern.is_absolute():
        found = Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))
    else:
        found = (path.relative_to(folder) for path in folder.glob(name))
    if paths := sorted(found):
        return paths
    raise ConfigError(Sentence("no configuration matches {name}: name the files, or correct the pattern", name=name))


def _check_environment(paths: Sequence[Path]) -> None:
    if len(paths) < 2:
        return
    for key in ("FACILITY", "DATA_DIR"):
        name = f"{ENV_PREFIX}{key}"
        if name in os.environ:
            raise ConfigError(
                Sentence(
                    "{name} of the environment would override each of {count} configurations: unset it",
                    name=name,
                    count=len(paths),
                )
            )
