"""A real Tango device with the signals of a simulated machine, by pytango, without a database.

Attributes have the stamp of their sample, to the microsecond that Tango has, and each sample is pushed as a change
event. A process can have one device server, once.
"""

import asyncio
import re
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any, Final

from facility.batch import Batch
from facility.errors import ConfigError, KadoError, UnreachableError
from facility.sentence import Sentence
from facility.signals import Signal
from facility.source import LinkReport
from facility.text import SIMULATED
from simulators.machine import Machine
from simulators.outlets.address import Address, reach, refuse_taken
from simulators.outlets.fault_words import fault_words, inject_words, repair_word
from simulators.outlets.outlet import Released, decimals, require_extra, rounds
from simulators.outlets.sample import Sample

DEFAULT_PORT: Final = 10_000
DEFAULT_DEVICE: Final = "kado/sim/1"
PACE_S: Final = 0.005
"""Samples of one attribute are at least so far apart, also after a pause, for subscribers that are slow."""
STARTED_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 10.0
LOOK_S: Final = 0.1
"""How often the server looks whether it is to end."""
EXAMPLE: Final = "tango://127.0.0.1:10000/kado/sim/1"

Shown = tuple[float | int, float, Any]
"""(value, time in s, quality) of an attribute."""


class TangoDevice:
    """Samples as attributes.

    ======== =============================================================================================
    quality  ``good`` ATTR_VALID; ``uncertain`` ATTR_WARNING; ``bad`` ATTR_INVALID, with which Tango sends no
             value
    link     lost: every attribute ATTR_INVALID at the instant of the loss, and the device in state FAULT
    ======== =============================================================================================

    Parameters
    ----------
    url
        ``tango://HOST:PORT/DOMAIN/FAMILY/MEMBER``.
    """

    answers_afterwards = True

    def __init__(self, url: str, machine: Machine) -> None:
        require_extra("tango", "tango", "a Tango device")
        address = Address.parse(url, EXAMPLE)
        self._host = address.host
        self._port = address.port or DEFAULT_PORT
        self._device = address.path or DEFAULT_DEVICE
        if not re.fullmatch(r"[\w.\-]+/[\w.\-]+/[\w.\-]+", self._device, re.ASCII):
            raise ConfigError(
                Sentence(
                    "{url!r}: {device!r} is not the name of a device; write it like {example}",
                    url=url,
                    device=self._device,
                    example=EXAMPLE,
                )
            )
        self._machine = machine
        self._signals = {name: machine.profile.signal(name) for name in machine.signals}
        self._shown: dict[str, Shown] = {}
        self._released = Released()
        self._tango: Any = None
        self._server: Any = None
        self._stop = threading.Event()

    @property
    def notes(self) -> tuple[str, ...]:
        """The device, and each attribute with unit or words."""
        width = max(map(len, self._signals))
        return (
            f"Tango device tango://{self._host}:{self._port}/{self._device}#dbase=no",
            *(f"  {name:{width}}  {' | '.join(s.words) or s.unit}" for name, s in self._signals.items()),
            'to inject faults: commands inject(["beam_dump", "length_s=600"]), repair("all"), broken()',
            *reach(self._host),
        )

    @property
    def released(self) -> Released:
        """What has been pushed until now."""
        return self._released

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Run the device server until the end of the context."""
        refuse_taken(self._host, self._port, "Tango", "choose another port: tango://HOST:PORT")
        ready = threading.Event()
        failed: list[BaseException] = []
        thread = threading.Thread(target=self._run, args=(ready, failed), name="Tango", daemon=True)
        thread.start()
        try:
            started = await asyncio.to_thread(ready.wait, STARTED_WITHIN_S)
            if failed or not started:
                why = str(failed[0]) if failed else f"not ready within {STARTED_WITHIN_S:g} s"
                raise UnreachableError(Sentence("the Tango device server did not start: {why}", why=why))
            self._server = self._tango.Util.instance().get_device_by_name(self._device)
            yield
        finally:
            self._stop.set()
            await asyncio.to_thread(thread.join, ENDS_WITHIN_S)

    def show(self, standing: Sequence[Sample]) -> None:
        """Let attributes have the value and the stamp that they have at the start."""
        for sample in standing:
            self._shown[sample.signal] = self._as_shown(sample)

    async def release(self, items: AsyncIterator[Batch | LinkReport]) -> None:
        """Show and push every sample; see `PACE_S`."""
        async for item in rounds(items):
            # Pushing waits for the lock of the device, which a client may hold.
            if isinstance(item, LinkReport):
                await asyncio.to_thread(self._report, item)
            else:
                await asyncio.to_thread(self._push, item)
            await asyncio.sleep(PACE_S)

    # ----------------------------------------------------------------- threads

    def _run(self, ready: threading.Event, failed: list[BaseException]) -> None:
        try:
            # Loading it takes a while, and nothing else needs it.
            self._tango = import_module("tango")
            server: Any = import_module("tango.server")
            name = "KadoSimulator"
            with self._tango.EnsureOmniThread():
                server.run(
                    [_device_class(self._tango, server, self)],
                    args=[name, "1", "-nodb", "-dlist", self._device, "-ORBendPoint", self._end_point()],
                    post_init_callback=ready.set,
                    event_loop=lambda: self._stop.wait(LOOK_S),
                    msg_stream=None,
                    raises=True,
                )
        except BaseException as error:
            failed.append(error)
            ready.set()

    def _end_point(self) -> str:
        return f"giop:tcp:{self._host}:{self._port}"

    def _push(self, samples: list[Sample]) -> None:
        with self._tango.EnsureOmniThread():
            for sample in samples:
                self._show(sample.signal, self._as_shown(sample))
                self._released.count(sample)

    def _as_shown(self, sample: Sample) -> Shown:
        quality = self._tango.AttrQuality
        qualities = {"good": quality.ATTR_VALID, "uncertain": quality.ATTR_WARNING, "bad": quality.ATTR_INVALID}
        words = self._signals[sample.signal].words
        number = sample.value if isinstance(sample.value, float) else words.index(sample.value)
        return number, _seconds(sample.time_ns), qualities[sample.quality]

    def _report(self, report: LinkReport) -> None:
        state = self._tango.DevState
        with self._tango.EnsureOmniThread():
            if report.state == "down":
                invalid = self._tango.AttrQuality.ATTR_INVALID
                for name, signal in self._signals.items():
                    number, _, _ = self._shown.get(name, (0 if signal.type == "state" else 0.0, 0.0, None))
                    self._show(name, (number, _seconds(report.time_ns), invalid))
            self._server.set_state(state.FAULT if report.state == "down" else state.ON)
            self._server.set_status(self.status(f"link {report.state}"))

    def _show(self, name: str, shown: Shown) -> None:
        self._shown[name] = shown
        self._server.push_change_event(name, *shown)

    # ------------------------------------------------------- asked by the device

    def signals(self) -> tuple[Signal, ...]:
        """Return the signals that are attributes."""
        return tuple(self._signals.values())

    def shown(self, name: str) -> Shown | None:
        """Return what an attribute shows; None before its first sample."""
        return self._shown.get(name)

    def status(self, link: str) -> str:
        """Return the text of the device's status."""
        machine = self._machine
        mark = f"{SIMULATED.en} / {SIMULATED.ja}"
        return f"{mark}: {machine.profile.id}, scenario {machine.scenario.id}, seed {machine.seed}; {link}"

    def inject(self, words: list[str]) -> str:
        """Inject a fault."""
        return inject_words(self._machine.injection, words)

    def repair(self, effect: str) -> str:
        """Repair one."""
        return repair_word(self._machine.injection, effect)

    def broken(self) -> list[str]:
        """Return what is broken."""
        return list(map(fault_words, self._machine.injection.active()))


def _device_class(tango: Any, server: Any, outlet: TangoDevice) -> Any:
    """Return the class of the device; made here, since it derives from one of a library that may not be there."""

    class KadoSimulator(server.Device):  # pyright: ignore[reportUntypedBaseClass]  # pytango has no types
        """A simulated machine. SIMULATED / 模擬データ."""

        def init_device(self) -> None:
            super().init_device()  # pyright: ignore[reportUnknownMemberType]  # pytango has no types
            self.set_state(tango.DevState.ON)
            self.set_status(outlet.status("link up"))

        def initialize_dynamic_attributes(self) -> None:
            for signal in outlet.signals():
                label = signal.id if signal.label is None else f"{signal.label.en} {signal.label.ja}"
                described: dict[str, Any] = {"name": signal.id, "label": label, "fget": self._read}
                described["description"] = f"{SIMULATED.en} / {SIMULATED.ja}"
                if signal.type == "state":
                    described |= {"dtype": tango.DevEnum, "enum_labels": list(signal.words)}
                else:
                    described |= {"dtype": float, "unit": signal.unit, "format": f"%.{decimals(signal)}f"}
                self.add_attribute(server.attribute(**described))
                self.set_change_event(signal.id, True, False)

        def _read(self, attribute: Any) -> None:
            shown = outlet.shown(attribute.get_name())
            if shown is None:
                attribute.set_quality(tango.AttrQuality.ATTR_INVALID)
            else:
                attribute.set_value_date_quality(*shown)

        @server.command(dtype_in=(str,), dtype_out=str, doc_in="effect, then length_s=, reads=, shift_s=")
        def inject(self, words: Any) -> str:
            return _answer(tango, lambda: outlet.inject(list(words)))

        @server.command(dtype_in=str, dtype_out=str, doc_in="an effect, or all")
        def repair(self, effect: str) -> str:
            return _answer(tango, lambda: outlet.repair(effect))

        @server.command(dtype_out=(str,), doc_out="what is broken now")
        def broken(self) -> list[str]:
            return outlet.broken()

    return KadoSimulator


def _answer(tango: Any, act: Any) -> str:
    try:
        return act()
    except KadoError as error:
        tango.Except.throw_exception("kado_refused", str(error), "KadoSimulator")
        raise


def _seconds(time_ns: int) -> float:
    """Return a stamp as Tango wants it: it cuts to microseconds, so half of one keeps it from the one before."""
    return (time_ns // 1000 + 0.5) / 1e6
