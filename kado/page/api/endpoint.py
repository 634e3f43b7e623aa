"""What one address of the API is: its options, its answer, how it is made."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request

from facility.errors import UsageError
from facility.sentence import Sentence
from kado.page.context import PageContext

Schema = dict[str, Any]

PREFIX: Final = "/api/v1"

TEXT: Final[Schema] = {"type": "string"}
NUMBER: Final[Schema] = {"type": ["number", "null"]}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
TIME: Final[Schema] = {"type": ["string", "null"], "format": "date-time"}
FLAG: Final[Schema] = {"type": "boolean"}


def listed(items: Schema | None = None) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items or {}}


def record(properties: Mapping[str, Schema] | None = None, *, nullable: bool = False) -> Schema:
    """Return the schema of an object with these properties, all of them there, and maybe more."""
    schema: Schema = {"type": ["object", "null"] if nullable else "object"}
    if properties:
        schema |= {"properties": dict(properties), "required": sorted(properties)}
    return schema


@dataclass(frozen=True, slots=True)
class Option:
    """One option of an address, in its query."""

    name: str
    about: str
    required: bool = False
    schema: Schema = field(default_factory=lambda: dict(TEXT))
    example: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one request; only those that its address has."""

    given: Mapping[str, str]

    def text(self, name: str) -> str | None:
        """Return an option as it was given; None if it was not."""
        return self.given.get(name) or None

    def required(self, name: str) -> str:
        """Return an option.

        Raises
        ------
        UsageError
            If it was not given.
        """
        if not (value := self.text(name)):
            raise UsageError(Sentence("the option {name} is missing: add ?{name}=...", name=name))
        return value

    def whole(self, name: str, otherwise: int, *, most: int) -> int:
        """Return a whole number from 1 to `most`.

        Raises
        ------
        UsageError
            If it is no such number.
        """
        text = self.text(name)
        if text is None:
            return otherwise
        if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= most:
            raise UsageError(
                Sentence("{name}={text!r} is not a whole number from 1 to {most}", name=name, text=text[:40], most=most)
            )
        return int(text)


Answer = Callable[[PageContext, Options], Awaitable[Any]]


def read_options(request: Request, known: Collection[str]) -> dict[str, str]:
    """Return the options of an address that programs read, or that gives a file.

    A page for people passes over what it does not know, such as what a portal adds to its links.

    Raises
    ------
    UsageError
        If the address has no such option, naming those that it has, or an option is given twice.
    """
    given: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            has = Sentence("it has none")
            if known:
                has = Sentence("it has {options}", options=", ".join(sorted(known)))
            raise UsageError(
                Sentence("{url} has no option {name!r}; {has}", url=request.url.path, name=name[:40], has=has)
            )
        if name in given:
            raise UsageError(Sentence("the option {name} is given twice: give it once", name=name))
        given[name] = value
    return given


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address."""

    path: str
    """Below `PREFIX`."""
    summary: str
    same_as: str
    """The command whose ``--format json`` prints the same document; empty where there is none."""
    answer: Answer
    schema: Schema
    options: tuple[Option, ...] = ()

    async def respond(self, request: Request, context: PageContext) -> Any:
        """Return the document that a request asks for.

        Raises
        ------
        UsageError
            If an option is unknown, given twice or wrong.
        """
        options = Options(read_options(request, {option.name for option in self.options}))
        for option in self.options:
            if option.required:
                options.required(option.name)
        return await self.answer(context, options)
