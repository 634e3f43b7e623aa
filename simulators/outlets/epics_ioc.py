"""A real EPICS IOC with the signals of a simulated machine: Channel Access and pvAccess, by softioc.

Every sample is processed into its record at once and posted to every subscriber, with the stamp of its own to the
nanosecond. A process can have one IOC, once, and it ends with the process.
"""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ctypes import CDLL
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from facility.batch import Batch
from facility.errors import ConfigError, ScenarioError
from facility.schedule import Category
from facility.sentence import Sentence
from facility.signals import LINK_WORDS, Signal
from facility.source import LinkReport
from facility.text import SIMULATED
from facility.time import NS_PER_S, Clock
from simulators.machine import Machine
from simulators.outlets.address import reach, refuse_taken
from simulators.outlets.epics_address import EpicsAddress
from simulators.outlets.epics_inject import InjectRecords, cut
from simulators.outlets.outlet import Released, decimals, require_extra, rounds
from simulators.outlets.sample import Sample

PACE_S: Final = 0.005
"""Samples of one signal are at least so far apart, also after a pause: a subscriber's queue holds four, and what
it cannot take is overwritten there."""
MAX_NAME, MAX_TEXT, MAX_UNIT, MAX_WORDS, MAX_WORD = 60, 39, 15, 16, 25
"""What records hold: bytes of a name, a description, a unit; words of an enumeration, bytes of each."""

_NO_ALARM, _MINOR, _INVALID = 0, 1, 3
_READ, _COMM, _SOFT = 1, 9, 15
SEVERITY: Final = {"good": (_NO_ALARM, 0), "uncertain": (_MINOR, _SOFT), "bad": (_INVALID, _READ)}
"""(severity, status) of a record, by a sample's quality."""
_EPICS_EPOCH_S: Final = 631_152_000

_ACCESS: Final = """\
ASG(DEFAULT) { RULE(1, READ) }
ASG(FAULTS) { RULE(1, READ) RULE(1, WRITE) }
"""


class EpicsIoc:
    """Samples as process variables.

    ======== ================================================================================================
    quality  ``good`` NO_ALARM; ``uncertain`` MINOR with status SOFT; ``bad`` INVALID with status READ
    link     lost: every record INVALID with status COMM, its value and the instant of the loss; not a sample
    ======== ================================================================================================

    Parameters
    ----------
    url
        See `EpicsAddress.parse`.
    now
        The simulated instant.
    """

    answers_afterwards = True

    def __init__(self, url: str, machine: Machine, now: Clock) -> None:
        require_extra("softioc", "epics", "an EPICS IOC")
        self._address = EpicsAddress.parse(url, machine.profile, os.environ)
        self._machine = machine
        self._now = now
        self._signals = tuple(machine.profile.signal(name) for name in machine.signals)
        self._names = {s.id: self._address.prefix + s.id.upper() for s in self._signals}
        self._records: dict[str, Callable[[float | str | None, int, int, int], None]] = {}
        self._link: Any = None
        self._released = Released()
        self._check_names()

    @property
    def notes(self) -> tuple[str, ...]:
        """Ports, what clients set, and each PV with unit or words."""
        address = self._address
        width = max(map(len, self._names.values()))
        about = (f"{address.prefix}{name}" for name in ("SIMULATED", "SCENARIO", "SEED", "LINK"))
        injection = (f"{address.prefix}{name}" for name in ("INJECT", "INJECT_LENGTH_S", "REPAIR", "ACTIVE", "RESULT"))
        return (
            f"Channel Access at {address.host}:{address.ca_port}, pvAccess at {address.host}:{address.pva_port}",
            f"clients: EPICS_CA_ADDR_LIST={address.host} EPICS_CA_AUTO_ADDR_LIST=NO "
            f"EPICS_CA_SERVER_PORT={address.ca_port} EPICS_PVA_NAME_SERVERS={address.host}:{address.pva_port}",
            *(f"  {self._names[s.id]:{width}}  {' | '.join(s.words) or s.unit}" for s in self._signals),
            f"about it: {' '.join(about)}",
            f"to inject faults: {' '.join(injection)}",
            *reach(address.host),
        )

    @property
    def released(self) -> Released:
        """What has been posted until now."""
        return self._released

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Start the IOC; leaving ends what is of ours, the process ends the rest."""
        address = self._address
        refuse_taken(address.host, address.ca_port, "Channel Access", "choose another port: epics://HOST:PORT")
        refuse_taken(address.host, address.pva_port, "pvAccess", "choose another port: epics://HOST?pva_port=PORT")
        address.set_environment(os.environ)
        self._start()
        watching = asyncio.create_task(self._watch(), name="faults of the IOC")
        try:
            yield
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)

    def show(self, standing: Sequence[Sample]) -> None:
        """Give records the value and the stamp that they have at the start, as an IOC has them that ran before."""
        for sample in standing:
            self._put(sample)

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        """Post every sample, none merged; see `PACE_S`."""
        async for item in rounds(items):
            if isinstance(item, LinkReport):
                self._report(item)
                continue
            for sample in item:
                self._post(sample)
            await asyncio.sleep(PACE_S)

    # ---------------------------------------------------------------- records

    def _start(self) -> None:
        # softioc says nothing of its types, and loading it takes half a second.
        builder: Any = import_module("softioc.builder")
        softioc: Any = import_module("softioc.softioc")
        dispatcher: Any = import_module("softioc.asyncio_dispatcher")
        imports: Any = import_module("softioc.imports")
        stamp: Any = import_module("softioc.fields").ca_timestamp
        builder.SetSimpleRecordNames(self._address.prefix, "")
        for signal in self._signals:
            self._records[signal.id] = _poster(self._record(builder, signal), stamp, is_enum=_is_enum(signal))
        scenario, seed = self._machine.scenario.id, self._machine.seed
        mark = f"{SIMULATED.en} / {SIMULATED.ja}"
        builder.stringIn("SIMULATED", initial_value=mark, DESC=f"{SIMULATED.en} {self._machine.profile.id}"[:MAX_TEXT])
        builder.stringIn("SCENARIO", initial_value=cut(scenario, MAX_TEXT), DESC="scenario of the simulator")
        builder.int64In("SEED", initial_value=seed, DESC="seed of the simulator")
        self._link = builder.mbbIn("LINK", *LINK_WORDS, initial_value=0, DESC="simulated link to the machine")
        self._desk = InjectRecords(builder, self._machine.injection)
        with TemporaryDirectory() as folder:
            access = Path(folder) / "access.acf"
            access.write_text(_ACCESS)
            imports.dbCore.asSetFilename(str(access).encode())
            with _printing_to_stderr():
                builder.LoadDatabase()
                softioc.iocInit(dispatcher.AsyncioDispatcher(asyncio.get_running_loop()))

    def _record(self, builder: Any, signal: Signal) -> Any:
        # Processed when a sample comes, not before and not by other clients (passive, read-only): the stamp is the
        # sample's (TSE -2), and a value is posted also where it did not change (MDEL, MPST).
        label = signal.id if signal.label is None else signal.label.en
        fields: dict[str, Any] = {"SCAN": "Passive", "PINI": "NO", "DISP": 0, "TSE": -2}
        fields["DESC"] = cut(f"{SIMULATED.en} {label}", MAX_TEXT)
        if _is_enum(signal):
            return builder.mbbIn(signal.id.upper(), *signal.words, **fields)
        if signal.type == "state":
            return builder.stringIn(signal.id.upper(), MPST="Always", APST="Always", **fields)
        fields |= {
            "EGU": cut(signal.unit, MAX_UNIT),
            "PREC": decimals(signal),
            "MDEL": -1,
            "ADEL": -1,
        }
        if signal.physical_max is not None:
            fields |= {"LOPR": 0, "HOPR": signal.physical_max}
        profile = self._machine.profile
        limits = profile.limits.at(Category.USER, self._now())
        if self._address.alarms and signal.id == profile.delivery_signal and limits is not None:
            fields |= {"LOW": limits.tolerance, "LSV": "MINOR", "LOLO": limits.minimum, "LLSV": "MAJOR"}
        return builder.aIn(signal.id.upper(), **fields)

    def _check_names(self) -> None:
        longest = max(self._names.values(), key=len)
        if len(longest) > MAX_NAME:
            raise ConfigError(
                Sentence(
                    "{longest!r} is no name of a PV: {count} letters, at most {max_name}; shorten the prefix",
                    longest=longest,
                    count=len(longest),
                    max_name=MAX_NAME,
                )
            )
        own = {"SIMULATED", "SCENARIO", "SEED", "LINK", *InjectRecords.NAMES}
        if taken := [s.id for s in self._signals if s.id.upper() in own]:
            raise ConfigError(
                Sentence(
                    "signal {taken!r} is called like a PV of the IOC itself, {pv}: rename it",
                    taken=taken[0],
                    pv=taken[0].upper(),
                )
            )
        for signal in self._signals:
            if signal.type == "state" and (long := [w for w in signal.words if len(w.encode()) > MAX_TEXT]):
                raise ConfigError(
                    Sentence(
                        "signal {signal}: no PV can hold the word {long!r}, of 40 bytes or more",
                        signal=signal.id,
                        long=long[0],
                    )
                )

    # ---------------------------------------------------------------- posting

    def _post(self, sample: Sample) -> None:
        self._put(sample)
        self._released.count(sample)

    def _put(self, sample: Sample) -> None:
        severity, status = SEVERITY[sample.quality]
        value: float | str = sample.value
        signal = self._machine.profile.signal(sample.signal)
        if _is_enum(signal):
            value = signal.words.index(str(value))
        self._records[sample.signal](value, severity, status, sample.time_ns)

    def _report(self, report: LinkReport) -> None:
        self._link.set(LINK_WORDS.index(report.state))
        if report.state == "down":
            for post in self._records.values():
                post(None, _INVALID, _COMM, report.time_ns)

    async def _watch(self) -> None:
        while True:
            self._desk.show()
            await asyncio.sleep(1.0)


def _poster(record: Any, stamp: Any, *, is_enum: bool) -> Callable[[float | str | None, int, int, int], None]:
    """Return what posts (value, or None for the one before; severity; status; time) through a record."""

    def post(value: float | str | None, severity: int, status: int, time_ns: int) -> None:
        seconds, ns = divmod(time_ns, NS_PER_S)
        if seconds < _EPICS_EPOCH_S:
            raise ScenarioError(Sentence("EPICS knows no time before 1990: begin the simulation later"))
        if value is None:
            record.set_alarm(severity, status, stamp(seconds, ns))
        else:
            record.set(value, severity, status, stamp(seconds, ns))
        if is_enum:
            # The value posted last: without this an mbbi keeps a repeated state to itself.
            record._record.MLST = 0xFFFF  # noqa: SLF001 - softioc has no public name for it
        # Passive: this processes the record here and now. The usual way is a queue that keeps the newest value only.
        record.set_field("PROC", 1)

    return post


@contextmanager
def _printing_to_stderr() -> Generator[None]:
    """Let what a library prints go to stderr: stdout is for data."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        # What the library has printed may still be in its own buffer.
        CDLL(None).fflush(None)
        os.dup2(kept, 1)
        os.close(kept)


def _is_enum(signal: Signal) -> bool:
    """Whether the words of a state fit into an enumeration; else it is a string."""
    words = signal.words
    return signal.type == "state" and len(words) <= MAX_WORDS and all(len(w.encode()) <= MAX_WORD for w in words)
