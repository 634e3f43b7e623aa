"""``kado run``."""

import asyncio
import gc
import logging
import random
import signal

from facility.errors import ConfigError
from facility.sentence import Sentence
from facility.time import system_clock
from kado.cli.command import ConfigOption
from kado.config import Configuration, load_configuration
from kado.language import tr, trn
from kado.live.stopping import stop_on_signals
from kado.output import note, simulated_mark
from kado.page.opening import add_page
from kado.queries.running_service import write_started
from kado.service.application import open_application


def run(config: ConfigOption = None) -> None:
    r"""Run the service: collect, store and forward samples.

    Logs beam lost and beam back, links that are lost, and the first rejection of each kind. `kado watch` shows the
    present beside it.

    Stops on Ctrl-C or SIGTERM; SIGHUP reads the alarm rules again. Stored samples are kept, and are forwarded
    after the next start.

    \b
    Examples:
      kado run
      kado run --config /etc/kado/kado.toml
    """

    async def serve(configuration: Configuration) -> None:
        stop = stop_on_signals()
        async with open_application(configuration, system_clock, random.Random()) as application:
            mark = f"{simulated_mark()} " if configuration.profile.simulated else ""
            running = trn(
                "kado runs: facility {facility}, {store} store, {n} source, data in {folder}; stop with Ctrl-C",
                "kado runs: facility {facility}, {store} store, {n} sources, data in {folder}; stop with Ctrl-C",
                len(configuration.sources),
                facility=configuration.profile.id,
                store=configuration.store.kind,
                folder=configuration.data_dir,
            )
            note(f"{mark}{running}")
            if (address := add_page(application, system_clock)) is not None:
                note(tr("page: {address}", address=address))
            await asyncio.to_thread(write_started, configuration)
            await asyncio.to_thread(application.log_beam, system_clock)
            # Samples live for a moment and hold no cycles: looking for some after every few hundred objects costs
            # a tenth of the time of a message.
            gc.freeze()
            gc.set_threshold(20_000, 50, 1_000)
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, application.reload_alarms)
            await application.run(stop)
        note(tr("kado has stopped; all acknowledged samples are stored"))

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Messages of the journal's library about a new file are not shown.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    configuration = load_configuration(config)
    if not configuration.sources:
        raise ConfigError(
            Sentence(
                "{configuration} has no source: add a [[source]] table, or see 'kado init'",
                configuration=configuration.path,
            )
        )
    asyncio.run(serve(configuration))
