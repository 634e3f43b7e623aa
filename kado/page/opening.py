"""Puts the page beside a running kado; imports what the page needs only where there is one."""

from facility.errors import MissingExtraError
from facility.sentence import Sentence
from facility.time import Clock
from kado.service.application import Application


def add_page(application: Application, clock: Clock, *, or_any_port: bool = False) -> str | None:
    """Serve the page while the application runs, where ``[page]`` is.

    Parameters
    ----------
    or_any_port
        Whether to take any free port where the one of the configuration is in use: for a demonstration.

    Returns
    -------
    The address of the page; None where there is no ``[page]``, or its port cannot be listened on (which is logged).

    Raises
    ------
    MissingExtraError
        If ``[page]`` is there and the packages of the page are not installed.
    """
    configuration = application.configuration
    settings = configuration.settings.page
    if settings is None:
        return None
    try:
        from kado.page.context import PageContext
        from kado.page.reading import PageReader
        from kado.page.server import PageServer
        from kado.page.waker import Waker
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            Sentence(
                "[page] needs {error}, which is not installed: pip install 'kado[page]', or remove "
                "[page] from {configuration}",
                error=error.name,
                configuration=configuration.path,
            )
        ) from error
    assert application.figures is not None
    assert application.newest is not None
    waker = Waker()
    server = PageServer(
        PageContext(
            configuration=configuration,
            settings=settings,
            clock=clock,
            status=application.status,
            figures=application.figures,
            newest=application.newest,
            alarms=application.alarms,
            waker=waker,
            reader=PageReader(configuration),
        )
    )
    if not server.listen(or_any_port=or_any_port):
        return None
    application.observe(waker)
    application.beside["page"] = server.run
    return server.address
