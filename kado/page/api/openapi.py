"""The OpenAPI description of the API, made of its table."""

from typing import Any, Final

from kado.page.api.endpoint import PREFIX, TEXT, Option, record
from kado.page.api.table import ENDPOINTS, NOW
from kado.version import __version__

_REFUSAL: Final = record({"error": record({"status": {"type": "integer"}, "message": TEXT})})


def openapi_document(facility: str) -> dict[str, Any]:
    """Return the description, OpenAPI 3.1."""
    paths: dict[str, Any] = {
        f"{PREFIX}/now": _path(
            "How the machine stands right now; the same that `/events` sends each second.", "now", NOW, ()
        )
    }
    for endpoint in ENDPOINTS:
        same = f" The document of `{endpoint.same_as} --format json`." if endpoint.same_as else ""
        name = endpoint.path.strip("/").replace("/", "_").replace("-", "_")
        paths[PREFIX + endpoint.path] = _path(endpoint.summary + same, name, endpoint.schema, endpoint.options)
    paths["/events"] = {
        "get": {
            "operationId": "stream",
            "summary": "Server-sent events: `now` each second, `values` up to five times a second.",
            "parameters": [_parameter(Option("last", "Id of the last event received; instead of Last-Event-ID."))],
            "responses": {"200": {"description": "A stream.", "content": {"text/event-stream": {"schema": TEXT}}}},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"kado of {facility}",
            "version": __version__,
            "description": "Times are ISO 8601 with the facility's offset. Null: does not exist, or is not known.",
        },
        "paths": paths,
        "components": {"schemas": {"Refusal": _REFUSAL}},
    }


def _path(summary: str, name: str, schema: dict[str, Any], options: tuple[Option, ...]) -> dict[str, Any]:
    refusal = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": [_parameter(option) for option in options],
            "responses": {
                "200": {"description": "The document.", "content": {"application/json": {"schema": schema}}},
                "400": {"description": "A wrong question; the message says why.", **refusal},
                "503": {"description": "Something needed cannot be reached.", **refusal},
            },
        }
    }


def _parameter(option: Option) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": option.name,
        "in": "query",
        "required": option.required,
        "description": option.about,
        "schema": option.schema,
    }
    return found | ({"example": option.example} if option.example else {})
