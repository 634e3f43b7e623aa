"""The page's API, events and headers, on a real service that is fed by a real broker."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from page_service import PATIENCE_MS, PageService, RunningPage, running_page
from servers import free_port

PATIENCE_S = PATIENCE_MS / 1000


def get(address: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return httpx.get(address, headers=headers, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageService]:
    with running_page(tmp_path_factory.mktemp("page")) as service:
        yield service


def month(page: PageService) -> str:
    return page.get("now")["figures"]["periods"]["month"]["period"]["id"]


def example_options(page: PageService, operation: dict[str, Any]) -> dict[str, str]:
    now = page.get("now")["time"]
    examples = {
        "period": month(page),
        "signal": "machine_mode" if operation["operationId"] == "states" else "stored_current",
        "start": now[:11] + "00:00:00" + now[19:],
        "end": now,
        "one": "nanoterasu",
        "other": "sls",
    }
    if operation["operationId"] == "explain":
        return {"period": examples["period"]}
    return {p["name"]: examples[p["name"]] for p in operation["parameters"] if p["required"]}


def test_every_address_of_the_description_answers_as_it_is_described(page: PageService) -> None:
    description = page.get("openapi.json")
    assert description["openapi"] == "3.1.0"
    documents = [p for p in description["paths"] if p.startswith("/api/v1/")]
    assert len(documents) > 20
    for path in documents:
        operation = description["paths"][path]["get"]
        answer = httpx.get(page.url + path, params=example_options(page, operation), timeout=PATIENCE_S)
        if path in ("/api/v1/beamlines", "/api/v1/target") and answer.status_code == 400:
            assert answer.json()["error"]["message"]  # a facility without beamlines, or without a target
            continue
        assert answer.status_code == 200, (path, answer.text)
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json(), schema, jsonschema.Draft202012Validator)


def test_the_description_names_every_address_that_is_served_and_no_other() -> None:
    from starlette.routing import Route

    from kado.page.api.openapi import openapi_document
    from kado.page.routes.table import ROUTES

    served = {r.path for r in ROUTES if isinstance(r, Route) and (r.path.startswith("/api/") or r.path == "/events")}
    assert set(openapi_document("ring")["paths"]) == served - {"/api/v1/openapi.json"}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("definitions", ("definitions",)),
        ("corrections", ("correct", "list")),
        ("incidents", ("incident", "list")),
        ("schedule", ("schedule", "show")),
    ],
)
def test_a_document_is_that_of_the_command(page: PageService, path: str, command: tuple[str, ...]) -> None:
    assert page.get(path) == json.loads(page.command(*command, "--format", "json"))


def test_figures_of_a_period_that_is_over_are_those_of_the_command(page: PageService) -> None:
    now = page.get("now")["time"]
    minute = now[:17] + "00" + now[19:]
    hour_before = f"{now[:11]}00:00:00{now[19:]}"
    period = f"{hour_before}/{minute}"
    mine = page.get("events", period=period)
    theirs = json.loads(page.command("events", "--period", period, "--format", "json"))
    assert mine == theirs


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/api/v1/events", 400, "the option period is missing"),
        ("/api/v1/events?period=yesterday", 400, "yesterday"),
        ("/api/v1/events?period=2026-10&perod=1", 400, "has no option 'perod'"),
        ("/api/v1/events?period=2026-10&period=2026-11", 400, "given twice"),
        ("/api/v1/buckets?signal=nothing&start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z", 400, "no signal"),
        ("/api/v1/buckets?signal=stored_current&start=2026-01-02T00:00:00Z&end=2026-01-01T00:00:00Z", 400, "after"),
        (
            "/api/v1/buckets?signal=stored_current&start=2026-01-01T00:00:00Z&end=2026-01-02T00:00:00Z&count=2001",
            400,
            "from 1 to 2000",
        ),
        ("/api/v1/explain?at=2200-01-01T00:00:00Z", 400, "future"),
        ("/api/v1/nothing", 404, "no page"),
        ("/events?page=de", 400, "no such language"),
    ],
)
def test_a_wrong_question_is_refused_with_a_reason(page: PageService, path: str, status: int, said: str) -> None:
    answer = get(page.url + path)
    assert answer.status_code == status
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/", "/api/v1/now", "/history", "/api/v1/events?period=2026-10"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_what_is_read_cannot_be_written(page: PageService, path: str, method: str) -> None:
    assert httpx.request(method, page.url + path, timeout=PATIENCE_S).status_code in (403, 405)


def test_nothing_comes_from_outside_and_nothing_is_inline(page: PageService) -> None:
    for path in ("/", "/?wall=1", "/history", "/nothing"):
        answer = get(page.url + path)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'self'")
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert " style=" not in answer.text
        assert " onclick=" not in answer.text
        assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in answer.text


def test_files_are_kept_for_a_year_and_pages_not_at_all(page: PageService) -> None:
    text = get(page.url + "/").text
    css = text.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "immutable" in get(page.url + css).headers["cache-control"]
    assert get(page.url + "/").headers["cache-control"] == "no-store"
    assert get(f"{page.url}/static/other/{css.rpartition('/')[2]}").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["../page/server.py", "..%2f..%2fconfig.py", "%2e%2e/%2e%2e/config.py", "/etc/passwd"])
def test_no_file_outside_is_served(page: PageService, path: str) -> None:
    assert get(f"{page.url}/static/x/{path}").status_code == 404


@pytest.mark.parametrize(
    ("header", "lang"),
    [("ja", "ja"), ("ja-JP,en;q=0.8", "ja"), ("en-GB,ja;q=0.9", "en"), ("fr", "en"), ("*;q=x", "en")],
)
def test_the_language_is_the_browsers_choice(page: PageService, header: str, lang: str) -> None:
    assert f'<html lang="{lang}"' in get(page.url + "/", headers={"Accept-Language": header}).text


def test_a_chosen_language_and_theme_are_remembered(page: PageService) -> None:
    with httpx.Client(base_url=page.url, headers={"Accept-Language": "en"}, timeout=PATIENCE_S) as client:
        client.get("/?lang=ja&theme=dark")
        text = client.get("/history").text
    assert '<html lang="ja" data-theme="dark"' in text


class Events:
    """Reads server-sent events."""

    def __init__(self, response: httpx.Response) -> None:
        self._lines = response.iter_lines()
        self.last_id = ""

    def next(self, kind: str) -> Any:
        found = {"event": "", "data": ""}
        for line in self._lines:
            name, _, value = line.partition(": ")
            if name == "id":
                self.last_id = value
            elif name in found:
                found[name] = value
            elif not line and found["event"] == kind:
                return json.loads(found["data"])
        raise AssertionError("the stream ended")


def test_values_and_state_are_streamed_and_go_on_where_they_ended(page: PageService) -> None:
    with httpx.stream("GET", f"{page.url}/events", timeout=PATIENCE_S) as response:
        events = Events(response)
        assert response.headers["content-type"].startswith("text/event-stream")
        whole = events.next("now")
        assert whole["delivery"]["id"] == "stored_current"
        first = events.next("values")["signals"]["stored_current"]["time_ms"]
        assert events.next("values")["signals"]["stored_current"]["time_ms"] > first
        last = events.last_id
    with httpx.stream("GET", f"{page.url}/events", headers={"Last-Event-ID": last}, timeout=PATIENCE_S) as response:
        events = Events(response)
        events.next("values")
        boot, _, number = events.last_id.rpartition("-")
        assert (boot, int(number)) >= (last.rpartition("-")[0], int(last.rpartition("-")[2]) + 1)
    with httpx.stream(
        "GET", f"{page.url}/events", headers={"Last-Event-ID": "elsewhere-17"}, timeout=PATIENCE_S
    ) as response:
        assert Events(response).next("now")["facility"] == whole["facility"]


def test_what_pages_show_is_said_in_their_language(page: PageService) -> None:
    for language, word in (("ja", "供給中"), ("en", "beam delivered")):
        with httpx.stream("GET", f"{page.url}/events?page={language}&view=now", timeout=PATIENCE_S) as response:
            shown = Events(response).next("shown")
            assert shown["texts"]["beam"] == word
            assert "figures" in shown["fragments"]


NOTHING_YET = """\
facility = "nanoterasu"
data_dir = "data"
[page]
listen = "127.0.0.1:{port}"
[[source]]
id = "ring"
kind = "mqtt"
url = "mqtt://127.0.0.1:{nobody}"
signal = [{{ topic = "ring/current", signal = "stored_current" }}]
"""


def test_a_page_without_data_says_why_in_the_language_of_its_reader(tmp_path: Path) -> None:
    service = RunningPage(tmp_path)
    text = NOTHING_YET.format(port=service.port, nobody=free_port())
    (tmp_path / "kado.toml").write_text(text, encoding="utf-8")
    service.start()
    try:
        service.wait(lambda: service.get("now")["problems"] and service.get("now")["sources"][0]["error"])
        japanese, english = (html.unescape(get(f"{service.url}/?lang={lang}").text) for lang in ("ja", "en"))
    finally:
        service.stop()
    assert "施設 nanoterasu には stored_current のサンプルが一つもありません" in japanese
    assert "MQTT ブローカー mqtt://127.0.0.1" in japanese
    assert "facility nanoterasu has no samples of stored_current at all" in english
    assert "source ring: MQTT broker mqtt://127.0.0.1" in english
    for words in ("has no samples", "cannot be reached"):
        assert words not in japanese


def test_check_and_status_say_where_the_page_is(page: PageService) -> None:
    status = json.loads(page.command("status", "--format", "json"))
    assert status["page"] == {"address": f"{page.url}/", "problem": None}
    assert "nobody can write" in " ".join(page.command("check", check=False).split())


def test_a_page_whose_port_is_taken_stops_nothing(page: PageService, tmp_path: Path) -> None:
    other = PageService(tmp_path, _broker_of(page))
    other.machine.start()
    try:
        other.port = page.port
        text = (tmp_path / "kado.toml").read_text()
        listen = text.split('listen = "')[1].split('"')[0]
        text = text.replace(listen, f"127.0.0.1:{page.port}")
        (tmp_path / "kado.toml").write_text(text.replace('kind = "mqtt"', 'kind = "mqtt"\nclient_id = "second"'))
        other.start()  # the first one answers

        def said() -> Any:
            return json.loads(other.command("status", "--format", "json", check=False) or "{}")

        other.wait(lambda: said().get("page") and said()["ledger"]["stored"] > 0)
        assert "cannot be listened on" in said()["page"]["problem"]
        assert said()["page"]["address"] is None
    finally:
        other.machine.end()
        other.stop()


def _broker_of(page: PageService) -> Any:
    class Same:
        host = "127.0.0.1"
        url = (page.folder / "kado.toml").read_text().split('url = "')[1].split('"')[0]
        port = int(url.rpartition(":")[2])

    return Same()
