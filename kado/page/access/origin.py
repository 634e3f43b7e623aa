"""Whether a request was meant for this page, and comes from it; pure."""

import ipaddress
from collections.abc import Collection
from urllib.parse import urlsplit

from kado.page_settings import is_loopback


def host_of(header: str) -> str:
    """Return the host in a Host header, without port and brackets; empty if it is not one.

    Examples
    --------
    >>> host_of("kado.example.org:8420"), host_of("[::1]:8420"), host_of("a b")
    ('kado.example.org', '::1', '')
    """
    try:
        return (urlsplit(f"//{header}").hostname or "") if " " not in header and "/" not in header else ""
    except ValueError:
        return ""


def is_own_host(header: str, names: Collection[str]) -> bool:
    """Whether a Host header names this page: by one of its names, or by an address.

    A foreign name that somebody lets point here is refused (DNS rebinding); an address cannot be made to point.
    """
    host = host_of(header)
    if host in {name.lower() for name in names} or is_loopback(host):
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_own_origin(origin: str | None, fetch_site: str | None, host_header: str) -> bool:
    """Whether a write comes from a page of this very site, by Origin and, where it is sent, Sec-Fetch-Site.

    Examples
    --------
    >>> is_own_origin("https://kado.example.org", "same-origin", "kado.example.org")
    True
    >>> is_own_origin("https://evil.example.org", "cross-site", "kado.example.org")
    False
    >>> is_own_origin(None, None, "kado.example.org")
    False
    """
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    if origin is None:
        return False
    scheme, separator, host = origin.partition("://")
    return separator == "://" and scheme in ("http", "https") and host.lower() == host_header.lower()
