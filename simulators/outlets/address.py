"""Addresses of outlets: ``SCHEME://HOST:PORT/PATH?OPTION=VALUE``."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from facility.errors import ConfigError
from facility.sentence import Sentence

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Address:
    """Where an outlet listens."""

    url: str
    host: str
    """An address of this computer; without one in the URL the loopback, which no other computer reaches."""
    port: int | None
    path: str
    """Without slashes around it."""
    options: Mapping[str, str]

    @classmethod
    def parse(cls, url: str, example: str, options: tuple[str, ...] = ()) -> Self:
        """Read an address.

        Parameters
        ----------
        example
            A good one, for the message of an error.
        options
            Those that there are.

        Raises
        ------
        ConfigError
            If it is not an address.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
            given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        except ValueError as error:
            raise ConfigError(
                Sentence(
                    "{url!r} is not an address: {error}; write it like {example}", url=url, error=error, example=example
                )
            ) from error
        if strange := sorted(set(given) - set(options)):
            known = f"it may have {', '.join(options)}" if options else "it has no options"
            raise ConfigError(
                Sentence("{url!r}: there is no option {strange!r}; {known}", url=url, strange=strange[0], known=known)
            )
        if parts.username is not None or parts.fragment:
            raise ConfigError(
                Sentence(
                    "{url!r} has more than scheme, host, port, path and options: write it like {example}",
                    url=url,
                    example=example,
                )
            )
        return cls(url, parts.hostname or LOOPBACK, port, parts.path.strip("/"), given)


def reach(host: str) -> tuple[str, ...]:
    """Return a line for people, if others than this computer reach an address."""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return () if local else (f"{host} is open to the network: everybody there can read it, and inject faults",)


def port_number(text: str, what: str) -> int:
    """Read a TCP port.

    Raises
    ------
    ConfigError
        If it is not a number of a port; `what` names it.
    """
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65_536:
        raise ConfigError(Sentence("{what} = {text!r} is not a port: use 1 to 65535", what=what, text=text))
    return int(text)


def refuse_taken(host: str, port: int, what: str, remedy: str) -> None:
    """Raise `ConfigError` if a port is in use, or cannot be used.

    A server that finds its port taken goes on at another one, or ends without a word, depending on its library.
    """
    listening(host, port, what, remedy).close()


def listening(host: str, port: int, what: str, remedy: str) -> socket.socket:
    """Return a socket that is bound to a port.

    Raises
    ------
    ConfigError
        If the port is taken, or `host` is not an address of this computer.
    """
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ConfigError(
            Sentence(
                "{what} cannot listen at {host}:{port}: {reason}; {remedy}",
                what=what,
                host=host,
                port=port,
                reason=error.strerror or error,
                remedy=remedy,
            )
        ) from error
    return bound
