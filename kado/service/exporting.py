"""What is kept as files that ``kado import`` reads back: ``kado store export``."""

from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from facility.batch import NO_WORD, Batch
from facility.errors import ConfigError, DataError, UsageError
from facility.profile import Profile
from facility.sentence import Sentence
from facility.signals import link_signal
from facility.time import MAX_NS, MIN_NS, format_time, parse_time
from kado.config import Configuration
from kado.language import tr
from kado.progress import Bar, progress_bar
from kado.queries.identity import identity
from kado.service.sample_files import FileFormat, SampleFile
from kado.stores import open_store
from storage.store import TelemetryStore

ALL: Final = "all"


_LINK: Final = link_signal("")


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """One file that was written."""

    path: Path
    signal: str
    samples: int
    first_ns: int
    last_ns: int


def export_signals(
    configuration: Configuration,
    signals: Sequence[str],
    out: Path,
    *,
    start: str | None,
    end: str | None,
    kind: FileFormat | None,
) -> list[ExportedFile]:
    """Write a file for each signal, with bounded memory and a progress bar; return those that have samples.

    Parameters
    ----------
    signals
        Their names, or ``all``.
    out
        A folder; or for one signal a file, whose ending decides on its kind.
    start, end
        ISO 8601 with an offset; None: from the first, to the last sample.
    kind
        Of files in a folder; None: Parquet.

    Raises
    ------
    UsageError
        If a signal is unknown, several are to go into one file, or the end is before the start.
    ConfigError
        If a file is there already, or cannot be written.
    DataError
        If a signal holds numbers and states, which one column cannot.
    """
    start_ns = MIN_NS if start is None else parse_time(start)
    end_ns = MAX_NS if end is None else parse_time(end)
    if start_ns >= end_ns:
        raise UsageError(Sentence("--from {start} is not before --to {end}", start=start, end=end))
    with open_store(configuration) as store:
        found = {name: extent for name in _names(store, signals) if (extent := store.extent(name)) is not None}
        if unknown := [name for name in signals if name not in (*found, ALL)]:
            raise UsageError(
                Sentence("the store holds no samples of {unknown}; see: kado store status", unknown=", ".join(unknown))
            )
        spans = {
            name: (max(start_ns, first), min(end_ns, last + 1))
            for name, (first, last) in found.items()
            if first < end_ns and last >= start_ns
        }
        paths = _paths(list(spans), out, kind)
        total = sum(until - begin for begin, until in spans.values())
        files: list[ExportedFile] = []
        before = 0
        with progress_bar(tr("export"), max(1, total)) as bar:
            for name, (begin, until) in spans.items():
                file = _export(store, configuration.profile, name, (begin, until), paths[name], bar, before)
                before += until - begin
                files += [file] if file.samples else []
    return files


def _names(store: TelemetryStore, signals: Sequence[str]) -> list[str]:
    if ALL not in signals:
        return list(dict.fromkeys(signals))
    return [series.signal for series in store.series()]


def _paths(names: Sequence[str], out: Path, kind: FileFormat | None) -> dict[str, Path]:
    suffix = out.suffix.removeprefix(".")
    if suffix in ("parquet", "csv"):
        if len(names) > 1:
            raise UsageError(
                Sentence(
                    "--out {out} is one file, and there are {count} signals: name a folder, for a file of each",
                    out=out,
                    count=len(names),
                )
            )
        if kind not in (None, suffix):
            raise UsageError(
                Sentence(
                    "--out {out} ends in .{suffix}, and --as says {kind}: leave one of them out",
                    out=out,
                    suffix=suffix,
                    kind=kind,
                )
            )
        paths = dict.fromkeys(names, out)
    else:
        paths = {name: out / f"{name}.{kind or 'parquet'}" for name in names}
    if there := [str(path) for path in paths.values() if path.exists()]:
        raise ConfigError(
            Sentence(
                "{there} exists already and is left as it is: move it away, or name another", there=", ".join(there)
            )
        )
    return paths


def _export(
    store: TelemetryStore, profile: Profile, signal: str, span: tuple[int, int], path: Path, bar: Bar, before: int
) -> ExportedFile:
    """Write one signal under a hidden name, which becomes its own when all of it is there."""
    draft = path.with_name(f".{path.name}.partial")
    is_state = _is_state(profile, signal)
    written = 0
    first_ns = last_ns = span[0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        form: FileFormat = "csv" if path.suffix == ".csv" else "parquet"
        with closing(SampleFile(draft, form, metadata=_metadata(profile, signal))) as file:
            for batch in store.read_batches(signal, *span):
                if is_state is None:
                    is_state = bool((batch.state != NO_WORD).any())
                _check_one_type(signal, batch, is_state=is_state)
                file.write(batch, is_state=is_state)
                first_ns = first_ns if written else int(batch.time_ns[0])
                last_ns = int(batch.time_ns[-1])
                written += len(batch)
                bar.advance_to(before + last_ns - span[0], f"{signal}, {written:,} samples")
        if written:
            draft.rename(path)
    except OSError as error:
        raise ConfigError(
            Sentence("{path} cannot be written: {reason}", path=path, reason=error.strerror or error)
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink()
    return ExportedFile(path, signal, written, first_ns, last_ns)


def _is_state(profile: Profile, signal: str) -> bool | None:
    """Return what a signal is; None for one that the profile does not know, whose samples tell."""
    for known in profile.signals:
        if known.id == signal:
            return known.type == "state"
    return True if signal.endswith(_LINK) else None


def _metadata(profile: Profile, signal: str) -> dict[str, str]:
    says = {"kado_facility": profile.id, "kado_signal": signal, "kado_simulated": str(profile.simulated).lower()}
    units = {known.id: known.unit for known in profile.signals if known.unit}
    return {**says, "kado_unit": units[signal]} if signal in units else says


def _check_one_type(signal: str, batch: Batch, *, is_state: bool) -> None:
    wrong = ~np.isnan(batch.value) if is_state else batch.state != NO_WORD
    if wrong.any():
        at = format_time(int(batch.time_ns[np.flatnonzero(wrong)[0]]))
        what = Sentence("a number among states") if is_state else Sentence("a state among numbers")
        raise DataError(
            Sentence(
                "{signal} holds {what}, at {at}: one column takes only one of them; export the time "
                "before and after separately, after correcting the profile",
                signal=signal,
                what=what,
                at=at,
            )
        )


def exported_document(profile: Profile, files: Sequence[ExportedFile]) -> dict[str, Any]:
    """Return the same for programs."""
    zone = profile.zone
    return {
        **identity(profile),
        "files": [
            {
                "path": str(file.path),
                "signal": file.signal,
                "samples": file.samples,
                "first": format_time(file.first_ns, zone),
                "last": format_time(file.last_ns, zone),
            }
            for file in files
        ],
    }
