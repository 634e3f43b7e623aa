"""Which signal each channel of a source becomes: one line for one signal, or for the same thing at many ports."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.slug import check_slug
from facility.wrong_value import wrong_value

_RANGE = re.compile(r"(\d+)\.\.(\d+)", re.ASCII)
_PLACE = re.compile(r"\{(port|PORT)\}")
_MOST_PORTS = 10_000
MAX_CHARACTERS: Final = 16 << 20
"""Of a mapping file; some 100,000 lines."""


class SignalMapping(BaseModel):
    """One ``[[source.signal]]`` table; a subclass adds the address of the channel.

    With `ports` it stands for as many mappings: ``{port}`` in its texts becomes each port, ``{PORT}`` the same in
    capitals.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    address_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that say where the channel is; together they are unique in a source."""

    signal: str = Field(min_length=1, description="A signal of the facility's profile.")
    ports: tuple[str, ...] = Field(
        default=(),
        strict=False,
        description="One mapping for each: names such as 02u, or ranges such as 01..28 (zeros in front are kept).",
    )
    scale: float = Field(
        default=1.0, allow_inf_nan=False, description="Numbers are multiplied by it: 1000 turns A into mA."
    )
    offset: float = Field(default=0.0, allow_inf_nan=False, description="Added to numbers after `scale`.")
    words: dict[str, str] = Field(
        default={}, description="For a state: text or number of the source = word of the profile; others as they are."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.scale == 0:
            raise ValueError(
                Sentence(
                    "signal {signal!r}: scale = 0 makes every value the same; give another factor", signal=self.signal
                )
            )
        named = {name: bool(_PLACE.search(getattr(self, name) or "")) for name in ("signal", *self.address_fields)}
        if self.ports:
            if not named["signal"] or not any(named[name] for name in self.address_fields):
                where = " or ".join(self.address_fields)
                raise ValueError(
                    Sentence(
                        "signal {signal!r} has ports: write {{port}} in signal and in {where}",
                        signal=self.signal,
                        where=where,
                    )
                )
            _expanded_ports(self.ports)
        elif any(named.values()):
            raise ValueError(
                Sentence(
                    "signal {signal!r} has {{port}} in it and no ports: add ports = ['01..28']", signal=self.signal
                )
            )
        else:
            check_slug(self.signal, "signal")
        return self

    @property
    def address(self) -> str:
        """The place of the channel, for messages."""
        return " ".join(str(value) for name in self.address_fields if (value := getattr(self, name)))

    def expanded(self) -> list[Self]:
        """Return one mapping for each port, or the mapping itself where it names no ports."""
        if not self.ports:
            return [self]
        texts = {name: value for name, value in self if isinstance(value, str)}
        return [
            self.model_copy(update={"ports": (), **{name: _placed(text, port) for name, text in texts.items()}})
            for port in _expanded_ports(self.ports)
        ]


Mapping = TypeVar("Mapping", bound=SignalMapping)


def all_mappings(
    source_id: str, lines: Sequence[Mapping], path: Path | None, kind: type[Mapping]
) -> tuple[Mapping, ...]:
    """Return every single mapping of a source, those in its file included.

    Raises
    ------
    ConfigError
        If the file cannot be read, or a signal or a channel is mapped twice.
    """
    lines = [*lines, *([] if path is None else read_mappings(source_id, path, kind))]
    found = [mapping for line in lines for mapping in line.expanded()]
    if not found:
        raise ConfigError(
            Sentence(
                "source {source_id}: no signal is mapped: add a [[source.signal]] table, or mapping_file",
                source_id=source_id,
            )
        )
    problems: list[object] = []
    for mapping in found:
        try:
            check_slug(mapping.signal, "signal")
        except ValueError as error:
            problems.append(error)
    for what, names in (
        (Sentence("signal"), [m.signal for m in found]),
        (Sentence("channel"), [m.address for m in found]),
    ):
        seen: set[str] = set()
        twice = dict.fromkeys(name for name in names if name in seen or seen.add(name))
        problems += [
            Sentence("{what} {name!r} is mapped twice: remove one of the two", what=what, name=name) for name in twice
        ]
    if problems:
        raise ConfigError(
            Sentence.joined(
                Sentence("source {source_id}: {problem}", source_id=source_id, problem=problem) for problem in problems
            )
        )
    return tuple(found)


def read_mappings(source_id: str, path: Path, kind: type[Mapping]) -> list[Mapping]:
    """Read mappings from a CSV file, whose first line names the columns as the options of a mapping are named.

    ``words`` is written ``OPEN=open;CLOSED=closed``, ``ports`` is written ``02u;06u`` or ``01..28``; an empty cell is
    the default.

    Raises
    ------
    ConfigError
        With one line of text for each line of the file that cannot be used.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(MAX_CHARACTERS + 1)
        if len(text) > MAX_CHARACTERS:
            raise ConfigError(
                Sentence(
                    "source {source_id}: mapping_file {path} is larger than the {max_characters:,} "
                    "characters that are read: split the source",
                    source_id=source_id,
                    path=path,
                    max_characters=MAX_CHARACTERS,
                )
            )
        rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            Sentence(
                "source {source_id}: mapping_file {path} cannot be read: {error}",
                source_id=source_id,
                path=path,
                error=error,
            )
        ) from error
    found: list[Mapping] = []
    problems: list[Sentence] = []
    for number, row in enumerate(rows, 2):
        try:
            found.append(kind.model_validate(_cells(row)))
        except (ValidationError, ValueError) as error:
            problems.append(Sentence("  line {number}: {problem}", number=number, problem=_first(error)))
    if problems:
        more = [Sentence("  and {n:,} more", n=len(problems) - 20)] if len(problems) > 20 else []
        raise ConfigError(
            Sentence(
                "source {source_id}: mapping_file {path} has lines that cannot be used:\n{lines}",
                source_id=source_id,
                path=path,
                lines=Sentence.joined([*problems[:20], *more]),
            )
        )
    return found


def _cells(row: dict[str | Any, str | Any]) -> dict[str, Any]:
    cells: dict[str, Any] = {}
    for name, text in row.items():
        if name is None or isinstance(text, list):
            raise ValueError(Sentence("it has more cells than the first line names"))
        if text is None or not (stripped := cast("str", text).strip()):
            continue
        match name.strip():
            case "scale" | "offset" as key:
                cells[key] = float(stripped)
            case "ports" as key:
                cells[key] = tuple(stripped.split(";"))
            case "words" as key:
                pairs = [pair.partition("=") for pair in stripped.split(";")]
                if any(not equals for _, equals, _ in pairs):
                    raise ValueError(Sentence("words {stripped!r}: write OPEN=open;CLOSED=closed", stripped=stripped))
                cells[key] = {text.strip(): word.strip() for text, _, word in pairs}
            case key:
                cells[key] = stripped
    return cells


def _first(error: ValueError) -> Sentence:
    if isinstance(error, ValidationError):
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        context = wrong.get("ctx", {})
        problem = context["error"] if "error" in context else wrong_value(wrong["type"], wrong["msg"], context)
        return (
            Sentence("{where}: {problem}", where=where, problem=problem)
            if where
            else Sentence("{problem}", problem=problem)
        )
    return Sentence("{error}", error=error)


def _placed(text: str, port: str) -> str:
    return _PLACE.sub(lambda place: port if place[1] == "port" else port.upper(), text)


def _expanded_ports(ports: Sequence[str]) -> list[str]:
    found: list[str] = []
    for port in ports:
        match = _RANGE.fullmatch(port)
        if match is None:
            found.append(port)
            continue
        first, last = int(match[1]), int(match[2])
        if not first <= last < first + _MOST_PORTS:
            raise ValueError(
                Sentence(
                    "ports {port!r}: the range must go up, by at most {most_ports} ports",
                    port=port,
                    most_ports=_MOST_PORTS,
                )
            )
        width = len(match[1])
        found += [f"{number:0{width}}" for number in range(first, last + 1)]
    if twice := sorted(port for port, times in Counter(found).items() if times > 1):
        raise ValueError(Sentence("port {twice!r} is named twice", twice=twice[0]))
    return found
