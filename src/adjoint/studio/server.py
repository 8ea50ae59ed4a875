"""The page's server: on this machine only, for those who hold its token.

A browser lets any page send requests to any address, also to one on this machine. So every
request for data must carry the token of the address that was printed, and the name it was
sent to must be this machine's: another site's page has neither.
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Callable
from importlib import resources
from typing import Any

from adjoint.errors import AdjointError, StructureError
from adjoint.studio.lab import Lab, Settings, describe

HOST = "127.0.0.1"
LARGEST_REQUEST = 1 << 16
_FILES = {"studio.js": "text/javascript", "studio.css": "text/css"}
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class _Bench:
    """The one run that is looked at; requests take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lab = Lab(Settings())

    def begin(self, document: dict[str, Any]) -> dict[str, Any]:
        """A new run; the old one stays if the settings are refused."""
        lab = Lab(Settings.from_document(document))
        with self._lock:
            self._lab = lab
            return {**lab.data(), **lab.snapshot(), **describe()}

    def advance(self, document: dict[str, Any]) -> dict[str, Any]:
        """Some steps on."""
        with self._lock:
            self._lab.advance(document.get("steps"))  # type: ignore[arg-type]
            return self._lab.snapshot()

    def worked(self, document: dict[str, Any]) -> dict[str, Any]:
        """One example's arithmetic."""
        with self._lock:
            return {"text": self._lab.worked(document.get("row"))}  # type: ignore[arg-type]


def make_app(token: str, port: int) -> Any:
    """The application, in ASGI's sense.

    Args:
        token: what requests for data must carry in the header ``X-Token``.
        port: where it is served; other names and ports are refused.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    bench = _Bench()
    names = {f"{HOST}:{port}", f"localhost:{port}"}

    def refused(status: int, words: str) -> Response:
        return JSONResponse({"error": words}, status, headers=_HEADERS)

    def file(name: str, kind: str) -> Callable[[Request], Any]:
        async def give(request: Request) -> Response:
            if request.headers.get("host") not in names:
                return refused(403, "this server answers on this machine only")
            found = resources.files("adjoint.studio").joinpath("page", name).read_bytes()
            return Response(found, media_type=kind, headers=_HEADERS)

        return give

    def data(answer: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Request], Any]:
        async def give(request: Request) -> Response:
            if request.headers.get("host") not in names:
                return refused(403, "this server answers on this machine only")
            given = request.headers.get("x-token", "")
            if not secrets.compare_digest(given.encode(), token.encode()):
                return refused(403, "open the address that the command printed")
            try:
                document = await _document(request)
                return JSONResponse(await run_in_threadpool(answer, document), headers=_HEADERS)
            except AdjointError as error:
                return refused(400, error.one_line())

        return give

    pages = [Route("/", file("index.html", "text/html"))]
    pages += [Route(f"/{name}", file(name, kind)) for name, kind in _FILES.items()]
    answers = {"begin": bench.begin, "advance": bench.advance, "worked": bench.worked}
    questions = [Route(f"/{k}", data(f), methods=["POST"]) for k, f in answers.items()]
    return Starlette(routes=[*pages, *questions])


async def _document(request: Any) -> dict[str, Any]:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_REQUEST:
            raise StructureError("the request is too long", function="studio")
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        raise StructureError("the request is not JSON", function="studio") from None
    if not isinstance(found, dict):
        raise StructureError("the request is no JSON object", function="studio")
    return found


def serve(port: int = 0, opened: Callable[[str], None] = print) -> None:
    """Serve the page until Ctrl-C.

    Args:
        port: where; 0 takes one that is free.
        opened: is given the address, with its token, once requests are answered.

    Raises:
        OSError: the port is taken.
    """
    import uvicorn

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with listener:
        listener.bind((HOST, port))
        listener.listen()
        port = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        app = make_app(token, port)
        opened(f"http://{HOST}:{port}/#{token}")
        config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
