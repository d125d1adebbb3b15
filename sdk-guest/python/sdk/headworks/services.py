"""What the host keeps for a plugin: state, figures, secrets, the clock and unpredictable bytes."""

from __future__ import annotations

import datetime
import json
from typing import Any

from . import _host

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class StateError(Exception):
    """The state could not be read or kept. `full` says that a key, a value or all of them together exceed a limit."""

    def __init__(self, message: str, full: bool) -> None:
        super().__init__(message)
        self.full = full


def _bytes(value: bytes | str | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


class State:
    """Keys and values of this plugin in this tenant, shared by all its instances and versions; they survive a restart.

    Values are bytes; texts are kept as UTF-8. Every method may raise `StateError`.
    """

    def get(self, key: str) -> bytes | None:
        """The value, or `None`."""
        return _host.current().state_get(key)

    def set(self, key: str, value: bytes | str | None) -> None:
        """Sets the value; `None` removes the key."""
        _host.current().state_set(key, _bytes(value))

    def replace(self, key: str, expected: bytes | str | None, value: bytes | str | None) -> bool:
        """Sets the value if the present one is `expected`, and answers whether it was."""
        return _host.current().state_replace(key, _bytes(expected), _bytes(value))

    def keys(self, prefix: str = "") -> list[str]:
        """The keys that begin with a text, in ascending order, at most a thousand."""
        return _host.current().state_keys(prefix)

    def load(self, key: str, default: Any = None) -> Any:
        """The value read as JSON, or `default`."""
        value = self.get(key)
        return default if value is None else json.loads(value)

    def save(self, key: str, value: Any) -> None:
        """Sets the value, written as JSON."""
        self.set(key, json.dumps(value, ensure_ascii=False, separators=(",", ":")))


class Metrics:
    """Figures of the plugin, shown with its usage. A name is lower-case words with underscores, with its unit at the end."""

    def count(self, name: str, by: int = 1) -> None:
        """Adds to a counter."""
        _host.current().count(name, by)

    def gauge(self, name: str, value: float) -> None:
        """Sets a gauge."""
        _host.current().gauge(name, float(value))


def secret(name: str) -> str | None:
    """A secret of the tenant; `None` where it is not granted (`secret:NAME`) or not set."""
    return _host.current().secret(name)


def now() -> datetime.datetime:
    """The time of day, in UTC, cut to microseconds."""
    seconds, nanoseconds = _host.current().now()
    return _EPOCH + datetime.timedelta(seconds=seconds, microseconds=nanoseconds // 1000)


def random_bytes(length: int) -> bytes:
    """Unpredictable bytes."""
    return _host.current().random(length)


state = State()
metrics = Metrics()
