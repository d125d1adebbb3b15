"""HTTP requests, for forwarders. A plugin reaches only what it was granted."""

from __future__ import annotations

import dataclasses
import json as jsons
from collections.abc import Iterable, Mapping
from typing import Any

from . import _host


class NetworkError(Exception):
    """The request was not answered.

    `kind` is `denied` (not granted), `invalid`, `unreachable`, `untrusted`, `late` or `protocol`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclasses.dataclass
class Request:
    """A request as it leaves the plugin."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: bytes
    version: str = "http1"
    redirects: int = 0
    timeout: float = 30.0
    proxy: str | None = None
    server_name: str | None = None
    roots: str | None = None
    insecure: bool = False


@dataclasses.dataclass
class Response:
    """An answer, whatever its status."""

    status: int
    headers: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is between 200 and 299."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return jsons.loads(self.body)

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    body: bytes | str = b"",
    json: Any = None,
    timeout: float = 30.0,
    **rest: Any,
) -> Response:
    """Sends a request and waits for the answer, at most `timeout` seconds.

    `json` is sent as the body. Further keywords are those of `Request`. Raises `NetworkError`.
    """
    pairs = list(headers.items()) if isinstance(headers, Mapping) else list(headers)
    if json is not None:
        body = jsons.dumps(json, ensure_ascii=False, separators=(",", ":"))
        if not any(name.lower() == "content-type" for name, _ in pairs):
            pairs.append(("content-type", "application/json"))
    data = body.encode() if isinstance(body, str) else bytes(body)
    answer = _host.current().send(Request(method, url, pairs, data, timeout=timeout, **rest))
    assert isinstance(answer, Response)
    return answer


def get(url: str, **rest: Any) -> Response:
    """`request("GET", …)`."""
    return request("GET", url, **rest)


def post(url: str, **rest: Any) -> Response:
    """`request("POST", …)`."""
    return request("POST", url, **rest)
