"""Writes docs/reference/api.md from the table of the API.

Run it after an address has changed: ``python docs/reference/write_api.py``.
"""

from pathlib import Path

from kado.page.api.endpoint import PREFIX, Option
from kado.page.api.table import ENDPOINTS

PAGE = Path(__file__).with_name("api.md")
HEAD = """\
# JSON and events of the page

Written by `docs/reference/write_api.py`; do not edit.

Where `kado.toml` has a `[page]` table, `kado run` serves, beside the page for people, JSON under `/api/v1/`. A
document is that of the command in the table with `--format json`. `/api/v1/openapi.json` describes all of it as
OpenAPI 3.1.

    curl 'http://127.0.0.1:8420/api/v1/availability?period=2026-10'

Times are ISO 8601 with the facility's offset. `null`: does not exist, or is not known. A wrong question is answered
with 400 and `{"error": {"status": 400, "message": "..."}}`, what cannot be reached with 503; messages are English.
An option that an address does not have, or that is given twice, is refused; so it is at `/events`, `/shift.json`
and the addresses of files. Pages for people pass over options that they do not know. A period is at most 3,653
days (ten years) long.

## Events

`/events` is a stream of server-sent events, computed once for all who follow it:

- `now`, each second: the document of `/api/v1/now`.
- `values`, up to five times a second: `{"signals": {"stored_current": {"value": 399.5, "time_ms": 1795661796123,
  "known": true}}}`, those that are new; twice a second where fifty or more follow.
- `ended`, the last one: the session or the account of the reader has ended.

Each event has an id. A client that comes back with it (`Last-Event-ID`, or `?last=ID`) is sent what it missed in
the last half minute; after that, or when kado was started again, `now` comes first. A client that is too slow is
given the newest state, never a growing queue. A line that begins with `:` says nothing; it keeps the connection alive.

    curl -N http://127.0.0.1:8420/events

Streams with `?page=ja` or `?page=en` are the page's own: texts in a language, without a promise to stay as they are.

## Addresses

Options in bold must be given.

| address | options | document | command |
| --- | --- | --- | --- |
"""


def page() -> str:
    """Return the page as it should be."""
    rows = [f"| `{PREFIX}/now` | | How the machine stands right now. | |"]
    for endpoint in ENDPOINTS:
        options = ", ".join(_name(option) for option in endpoint.options)
        command = f"`{endpoint.same_as}`" if endpoint.same_as else ""
        rows.append(f"| `{PREFIX}{endpoint.path}` | {options} | {endpoint.summary} | {command} |")
    options = {o.name: o for e in reversed(ENDPOINTS) for o in e.options}
    listed = [f"| `{name}` | {options[name].about} |" for name in sorted(options)]
    return HEAD + "\n".join(rows) + "\n\n## Options\n\n| option | meaning |\n| --- | --- |\n" + "\n".join(listed) + "\n"


def _name(option: Option) -> str:
    return f"**`{option.name}`**" if option.required else f"`{option.name}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
