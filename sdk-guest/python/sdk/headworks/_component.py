"""The host as a component sees it: the generated bindings of `headworks:plugin` behind `_host.Host`.

Imported only inside a component, where `wit_world` exists, and before any module of the author: it puts the host's clock
and entropy in place of those of CPython, which have none here.
"""

from __future__ import annotations

import importlib
from typing import Any

from componentize_py_types import Err
from wit_world.imports import batches, clock, log, metrics, random, secrets, state

from . import _host, _system, logs
from .http import NetworkError, Response
from .services import StateError
from .values import NULL, Json

_TEXT = 4  # the number of this kind in flat lists
_LEVELS = {level.name.lower(): level for level in log.Level}


def _lift(value: Any) -> object:
    if value is None:
        return None
    if isinstance(value, batches.Value_Null):
        return NULL
    return Json(value.value) if isinstance(value, batches.Value_Json) else value.value


def _lower(value: Any) -> Any:
    if value is None:
        return None
    if value is NULL:
        return batches.Value_Null()
    if isinstance(value, Json):
        return batches.Value_Json(str(value))
    if isinstance(value, str):
        return batches.Value_Text(value)
    if isinstance(value, bool):
        return batches.Value_Boolean(value)
    if isinstance(value, int):
        return batches.Value_Integer(value)
    return batches.Value_Float(value) if isinstance(value, float) else batches.Value_Bytes(value)


class Records:
    """The batch resource of a call."""

    def __init__(self, batch: Any) -> None:
        self.batch = batch
        self.len, self.names = batch.len, batch.names
        self.text_column, self.set_text_column = batch.text_column, batch.set_text_column
        self.rename, self.remove_column = batch.rename, batch.remove_column
        self.select, self.reject = batch.select, batch.reject

    def times(self) -> list[tuple[int, int]]:
        return [(time.seconds, time.nanoseconds) for time in self.batch.times()]

    def column(self, name: str) -> list[object]:
        return [_lift(value) for value in self.batch.column(name)]

    def is_text(self, name: str) -> bool:
        """Whether every cell of the column that is there is text."""
        kinds = self.batch.take_fields([name]).kinds
        return kinds.count(_TEXT) == len(kinds)

    def set(self, index: int, name: str, value: object) -> None:
        self.batch.set(index, name, _lower(value))

    def set_column(self, name: str, values: list[object]) -> None:
        self.batch.set_column(name, [_lower(value) for value in values])

    def fill(self, name: str, value: object) -> None:
        self.batch.fill(name, _lower(value))


def _kept(work: Any, *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except Err as problem:
        full = type(problem.value).__name__ == "StateError_Full"
        raise StateError(problem.value.value, full) from None


class Component:
    """The host behind the imports of the component."""

    def log(self, level: str, message: str) -> None:
        log.write(_LEVELS[level], message)

    def output(self, data: bytes) -> None:
        log.output(data)

    def now(self) -> tuple[int, int]:
        time = clock.now()
        return time.seconds, time.nanoseconds

    def random(self, length: int) -> bytes:
        return random.bytes(length)

    def state_get(self, key: str) -> bytes | None:
        return _kept(state.get, key)

    def state_set(self, key: str, value: bytes | None) -> None:
        _kept(state.set, key, value)

    def state_replace(self, key: str, expected: bytes | None, value: bytes | None) -> bool:
        return _kept(state.replace, key, expected, value)

    def state_keys(self, prefix: str) -> list[str]:
        return _kept(state.keys, prefix)

    def count(self, name: str, by: int) -> None:
        metrics.count(name, by)

    def gauge(self, name: str, value: float) -> None:
        metrics.gauge(name, value)

    def secret(self, name: str) -> str | None:
        return secrets.get(name)

    def send(self, request: Any) -> Any:
        raise NetworkError("denied", "only forwarders send requests")

    def texts(self, template: str, records: Any) -> list[object]:
        raise RuntimeError("only forwarders compute texts from records")


class Forwarding(Component):
    """The host of a forwarder."""

    def __init__(self) -> None:
        # These exist in the forwarder's world only.
        self._http = importlib.import_module("wit_world.imports.http")
        self._network = importlib.import_module("wit_world.imports.network")
        self._expressions = importlib.import_module("wit_world.imports.expressions")
        self._templates: dict[str, Any] = {}

    def send(self, request: Any) -> Any:
        tls = None
        if request.server_name or request.roots or request.insecure:
            tls = self._network.Tls(request.server_name, request.roots, request.insecure)
        version = self._http.Version.HTTP2 if request.version == "http2" else self._http.Version.HTTP1
        wire = self._http.Request(
            request.method, request.url, request.headers, request.body, version, request.redirects,
            max(1, round(request.timeout * 1000)), request.proxy, tls,
        )  # fmt: skip
        try:
            answer = self._http.send(wire)
        except Err as problem:
            kind = type(problem.value).__name__.removeprefix("NetworkError_").lower()
            raise NetworkError(kind, problem.value.value) from None
        return Response(answer.status, list(answer.headers), answer.body)

    def texts(self, template: str, records: Any) -> list[object]:
        compiled = self._templates.get(template)
        if compiled is None:
            try:
                compiled = self._templates[template] = self._expressions.Template.compile(template)
            except Err as problem:
                raise ValueError(problem.value) from None
        answers = compiled.texts(records.batch)
        return [answer.value if type(answer).__name__ == "Ok" else ValueError(answer.value) for answer in answers]


def install(host: Component) -> None:
    """Puts the host behind the SDK, `logging`, `print`, `time` and `random`."""
    _host.use(host)
    _system.install()
    logs.install()
