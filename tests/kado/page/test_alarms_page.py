"""The list of alarms on the page: what needs a person, and what operators do there by their own name."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from collector.arrival import Arrival
from facility.batch import Batch
from facility.errors import UnreachableError
from facility.time import system_clock
from kado.config import load_configuration
from kado.queries.alarms import load_alarms
from kado.service.alarm_facts import FactSources
from kado.service.alarms import Alarms
from page_clients import Page, open_page

pytestmark = pytest.mark.blocking("the record is read in the test itself")

RULES = """
[[alarm]]
id = "low"
title = { en = "Beam <low>", ja = "電流低下" }
priority = "high"
class = "beam"
consequence = { en = "c", ja = "c" }
action = { en = "Refill", ja = "再入射する" }
respond_within_s = 600
when = { kind = "limit", signal = "current", below = 10.0 }

[[alarm]]
id = "unseen"
title = { en = "Unseen", ja = "未観測" }
priority = "low"
class = "kado"
consequence = { en = "c", ja = "c" }
action = { en = "Look", ja = "見る" }
respond_within_s = 86400
when = { kind = "state", fact = "forwarder_state", words = ["holding"] }
"""


class Watching:
    """The alarms of a service on the folder of the page, which looks when the test says so."""

    def __init__(self, folder: Path) -> None:
        def status() -> None:
            raise UnreachableError("no service around it")

        self.configuration = load_configuration(folder / "kado.toml")
        facts = FactSources(status, lambda: None)  # type: ignore[arg-type]  # a stand-in with what is asked of it
        self._alarms = Alarms(self.configuration, system_clock, facts)

    def measure(self, value: float) -> None:
        """Let a value land, and decide."""
        self._alarms.look()
        facility = self.configuration.profile.id
        batch = Batch.of_numbers(facility, "current", [system_clock()], [value])
        self._alarms.inbox.landed([Arrival("plc", batch)], 0.0)
        self._alarms.look()

    def close(self) -> None:
        self._alarms.close()

    def look(self) -> str:
        """Decide; return the state of the alarm."""
        self._alarms.look()
        return load_alarms(self.configuration, system_clock()).engine.record("low").shown.value


@pytest.fixture
def ring(staffed: Path) -> Path:
    with (staffed / "kado.toml").open("a", encoding="utf-8") as file:
        file.write('[alarms]\nrules = ["alarms.toml"]\nsettle_s = 0.0\n')
    (staffed / "alarms.toml").write_text(RULES, encoding="utf-8")
    return staffed


Watched = Callable[[Path], Watching]


@pytest.fixture
def watched() -> Iterator[Watched]:
    """Make alarms that are closed in the end."""
    with ExitStack() as opened:

        def begin(folder: Path) -> Watching:
            watching = Watching(folder)
            opened.callback(watching.close)
            return watching

        yield begin


@pytest.fixture
async def page(ring: Path) -> AsyncIterator[Page]:
    async with open_page(ring) as opened:
        yield opened


async def test_the_list_says_what_is_wrong_by_how_much_and_what_to_do(page: Page, ring: Path, watched: Watched) -> None:
    viewer = await page.logged_in("viewer")
    assert "no alarms were watched" in (await viewer.get("/alarms")).text
    watched(ring).measure(4.5)
    shown = (await viewer.get("/alarms")).text
    assert "Beam &lt;low&gt;" in shown
    assert "4.5 mA (limit 10)" in shown
    assert "Refill" in shown
    assert "Unknown: 1 of 2 alarms" in shown
    assert "<form" not in shown.split("<main", 1)[1]
    assert "未確認" in (await viewer.get("/alarms?lang=ja")).text


async def test_an_operator_acknowledges_what_was_shown_and_shelves_by_name(
    page: Page, ring: Path, watched: Watched
) -> None:
    watching, operator = watched(ring), await page.logged_in("operator")
    watching.measure(4.5)
    asked = {"do": "ack", "alarm": "low", "occurrence": "1"}
    assert (await operator.post("/alarms/do", asked)).status_code == 303
    assert watching.look() == "acked"
    assert "acknowledged (operator)" in (await operator.get("/alarms")).text
    shelf = {"do": "shelve", "alarm": "low", "length": "2h", "reason": "leak test"}
    assert (await operator.post("/alarms/do", shelf)).status_code == 303
    assert watching.look() == "shelved"
    assert "leak test" in (await operator.get("/alarms")).text
    assert (await operator.post("/alarms/do", {"do": "unshelve", "alarm": "low"})).status_code == 303
    assert watching.look() == "acked"


async def test_nobody_acknowledges_an_occurrence_that_was_not_shown(page: Page, ring: Path, watched: Watched) -> None:
    watching, operator = watched(ring), await page.logged_in("operator")
    watching.measure(4.5)
    for value in (20.0, 3.0):
        watching.measure(value)
    await operator.post("/alarms/do", {"do": "ack", "alarm": "low", "occurrence": "1"})
    assert watching.look() == "unacked"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"do": "shelve", "alarm": "low", "length": "soon", "reason": "r"}, "is not a length of time"),
        ({"do": "shelve", "alarm": "low", "length": "2h", "reason": "a\nb"}, "the reason"),
        ({"do": "ack", "alarm": "low", "occurrence": "x"}, "is not the number of a record"),
        ({"do": "out", "alarm": "low"}, "There is no such action"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_the_reason(
    page: Page, ring: Path, watched: Watched, fields: dict[str, str], says: str
) -> None:
    watched(ring).measure(4.5)
    answer = await (await page.logged_in("operator")).post("/alarms/do", fields)
    assert answer.status_code == 400
    assert says in answer.text


async def test_a_viewer_may_read_and_not_act(page: Page) -> None:
    answer = await (await page.logged_in("viewer")).post("/alarms/do", {"do": "ack", "alarm": "low"})
    assert answer.status_code == 403


async def test_without_rules_there_is_no_such_view(staffed: Path) -> None:
    async with open_page(staffed) as page:
        operator = await page.logged_in("operator")
        assert "/alarms" not in (await operator.get("/record")).text
        assert (await operator.get("/alarms")).status_code == 404
