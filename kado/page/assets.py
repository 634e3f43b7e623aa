"""The page's own files for browsers: read once at start, served with a hash in their address and kept for a year."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

FOLDER: Final = Path(__file__).parent / "static"
_FOREVER: Final = "public, max-age=31536000, immutable"
_HASH: Final = 12


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    content: bytes
    kind: str


class Assets:
    """All files below ``static/``.

    ES modules import each other by relative names, so the hash is that of all files and stands before the name:
    ``/static/<hash>/now.js``. A new version has new addresses for all.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            str(path.relative_to(folder)): Asset(path.read_bytes(), _kind_of(path))
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        whole = hashlib.sha256()
        for name, asset in self._files.items():
            whole.update(name.encode() + b"\0" + asset.content)
        self.hash = whole.hexdigest()[:_HASH]

    def address(self, name: str) -> str:
        """Return the address of a file.

        Raises
        ------
        KeyError
            If there is no such file: a defect of a template.
        """
        if name not in self._files:
            raise KeyError(f"there is no static file {name!r}")
        return f"/static/{self.hash}/{name}"

    def route(self) -> Route:
        """Return the route that serves them."""
        return Route("/static/{hash}/{name:path}", self._serve, name="static")

    async def _serve(self, request: Request) -> Response:
        asset = self._files.get(request.path_params["name"])
        if asset is None:
            raise HTTPException(404)
        current = request.path_params["hash"] == self.hash
        return Response(
            asset.content, media_type=asset.kind, headers={"Cache-Control": _FOREVER if current else "no-cache"}
        )


def _kind_of(path: Path) -> str:
    if path.suffix == ".js":
        return "text/javascript"
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"
