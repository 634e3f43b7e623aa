"""What every view of the page may ask."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from facility.profile import Profile
from facility.time import Clock
from kado.config import Configuration
from kado.page.reading import PageReader
from kado.page.waker import Waker
from kado.page_settings import PageSettings
from kado.service.alarms import Alarms
from kado.service.application_status import ApplicationStatus
from kado.service.current_figures import CurrentFigures
from kado.service.newest import NewestValues


@dataclass(frozen=True, slots=True)
class PageContext:
    """The parts of a running kado that the page reads; all of them may be asked by any thread."""

    configuration: Configuration
    settings: PageSettings
    clock: Clock
    status: Callable[[], ApplicationStatus]
    """Sources, landing and forwarder, up to a second old."""
    figures: CurrentFigures
    """The running day, month and year, computed once for all viewers."""
    newest: NewestValues
    """Each signal's newest sample, known when it has landed."""
    alarms: Alarms | None
    """None without ``[alarms]``."""
    waker: Waker
    """Observes the landing, so that new values are shown at once."""
    reader: PageReader
    """Questions to store and journal, in threads of the page's own."""

    @property
    def profile(self) -> Profile:
        """The facility."""
        return self.configuration.profile


def context_of(connection: HTTPConnection) -> PageContext:
    """Return the context of the page that a request came to."""
    return connection.app.state.context
