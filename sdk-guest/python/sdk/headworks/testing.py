"""A double of the host, for unit tests without Headworks.

    from headworks.testing import Host

    def test_levels_are_upper_cased():
        with Host() as host:
            answer = host.transform(Upper, {"field": "level"}, [{"level": "info"}])
        assert answer.records == [{"level": "INFO"}]

It answers as the real host does, except for limits. Time stands still until `advance` is called.
"""

from __future__ import annotations

import dataclasses
import json
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from . import _host, plugin as plugins
from .config import InvalidConfig
from .http import Request, Response
from .plugin import Failed, Undelivered, Violation
from .values import as_text, checked

__all__ = ["Answer", "Failed", "Host", "InvalidConfig", "Records", "Response", "Undelivered"]


class Records:
    """Records as the host keeps them, in lists."""

    def __init__(self, records: Sequence[Mapping[str, Any]], times: Sequence[tuple[int, int]] = ()) -> None:
        self.rows = [{name: checked(value) for name, value in record.items()} for record in records]
        self._times = list(times) or [(0, 0)] * len(self.rows)
        self.origins = list(range(len(self.rows)))
        self.rejected: dict[int, str] = {}

    def len(self) -> int:
        return len(self.rows)

    def names(self) -> list[str]:
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def times(self) -> list[tuple[int, int]]:
        return list(self._times)

    def text_column(self, name: str) -> list[str | None]:
        return [as_text(row.get(name)) for row in self.rows]

    def column(self, name: str) -> list[object]:
        return [row.get(name) for row in self.rows]

    def is_text(self, name: str) -> bool:
        return all(type(row.get(name)) in (str, type(None)) for row in self.rows)

    def set(self, index: int, name: str, value: object) -> None:
        row = self.rows[index]
        row.pop(name, None) if value is None else row.__setitem__(name, value)

    def set_text_column(self, name: str, values: list[str | None]) -> None:
        self.set_column(name, list(values))

    def set_column(self, name: str, values: list[object]) -> None:
        if len(values) != len(self.rows):
            raise RuntimeError(f"{len(values)} values for a column of {len(self.rows)} records")
        for row, value in zip(self.rows, values):
            row.pop(name, None) if value is None else row.__setitem__(name, value)

    def fill(self, name: str, value: object) -> None:
        self.set_column(name, [value] * len(self.rows))

    def rename(self, name: str, to: str) -> None:
        for row in self.rows:
            if name in row:
                row[to] = row.pop(name)

    def remove_column(self, name: str) -> None:
        self.set_column(name, [None] * len(self.rows))

    def select(self, indexes: list[int]) -> None:
        self.rows = [dict(self.rows[index]) for index in indexes]
        self._times = [self._times[index] for index in indexes]
        self.origins = [self.origins[index] for index in indexes]

    def reject(self, index: int, reason: str) -> None:
        self.rejected.setdefault(self.origins[index], reason)


@dataclasses.dataclass
class Answer:
    """What a transformer made of records."""

    records: list[dict[str, Any]]
    origins: list[int]
    """Per record: the index of the input record it was made from."""
    rejected: dict[int, str]
    """By index of the input record: why it failed."""


class Host:
    """The double. Use it in a `with` statement; what a plugin did is in its members."""

    def __init__(self, *, secrets: Mapping[str, str] | None = None, answers: Sequence[Response | Exception] = ()) -> None:
        self.secrets = dict(secrets or {})
        self.answers: list[Response | Exception] = list(answers)
        """What HTTP requests are answered with, in this order; 200 without a body when there are none left."""
        self.requests: list[Request] = []
        self.logged: list[tuple[str, str]] = []
        self.printed = b""
        self.state: dict[str, bytes] = {}
        self.counters: dict[str, int] = {}
        self.gauges: dict[str, float] = {}
        self.time = (1_700_000_000, 0)
        self.template: Callable[[str, Mapping[str, str]], str] = lambda text, record: text
        self._random = random.Random(0)
        self._before: _host.Host | None = None

    def __enter__(self) -> Host:
        self._before = _host.use(self)
        return self

    def __exit__(self, *_: object) -> None:
        _host.use(self._before)

    # Calls of a plugin, as the host makes them

    def open(self, kind: type[Any], config: Any = None) -> Any:
        """A plugin with its configuration. Raises `InvalidConfig` and `Failed`."""
        return plugins.open_plugin(kind, "" if config is None else json.dumps(config))

    def transform(
        self, kind: Any, config: Any, records: Sequence[Mapping[str, Any]], times: Sequence[tuple[int, int]] = ()
    ) -> Answer:
        """What a transformer (a class, or what `open` answered) makes of records. Raises `InvalidConfig` and `Failed`."""
        held = Records(records, times)
        plugins.transform(self.open(kind, config) if isinstance(kind, type) else kind, held)
        kept = [index for index, origin in enumerate(held.origins) if origin not in held.rejected]
        return Answer([held.rows[index] for index in kept], [held.origins[index] for index in kept], held.rejected)

    def send(self, request: Any) -> Any:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers else Response(200)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def deliver(self, kind: Any, config: Any, records: Sequence[Mapping[str, Any]]) -> plugins.Report:
        """What became of records given to a forwarder, which is flushed then; its requests are in `requests`."""
        sink = self.open(kind, config) if isinstance(kind, type) else kind
        report = plugins.send(sink, Records(records))
        taken = len(records) if report.stopped is None else report.stopped.at
        late = plugins.flush(sink) if taken > 0 else None
        if late is not None:
            report = plugins.Report([one for one in report.rejected if one[0] < late.at], late)
        return report

    def validate(self, kind: Any, config: Any, document: Any, **subject: Any) -> list[Violation]:
        """What a validator finds wrong with a document. Further keywords are members of `Subject`."""
        rule = self.open(kind, config) if isinstance(kind, type) else kind
        previous = subject.pop("previous", None)
        whole = plugins.Subject(
            kind=subject.pop("kind", "pipeline"),
            scope=subject.pop("scope", ""),
            name=subject.pop("name", "test"),
            operation=subject.pop("operation", "create"),
            text=json.dumps(document),
            previous_text=None if previous is None else json.dumps(previous),
            principal=subject.pop("principal", "tester"),
        )
        return plugins.validate(rule, whole)

    # What a plugin asks for

    def log(self, level: str, message: str) -> None:
        self.logged.append((level, message))

    def output(self, data: bytes) -> None:
        self.printed += data

    def now(self) -> tuple[int, int]:
        return self.time

    def advance(self, seconds: float) -> None:
        """Moves the clock."""
        nanoseconds = self.time[0] * 10**9 + self.time[1] + round(seconds * 10**9)
        self.time = divmod(nanoseconds, 10**9)

    def random(self, length: int) -> bytes:
        return self._random.randbytes(length)

    def state_get(self, key: str) -> bytes | None:
        return self.state.get(key)

    def state_set(self, key: str, value: bytes | None) -> None:
        if value is None:
            self.state.pop(key, None)
        else:
            self.state[key] = value

    def state_replace(self, key: str, expected: bytes | None, value: bytes | None) -> bool:
        if self.state.get(key) != expected:
            return False
        self.state_set(key, value)
        return True

    def state_keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.state if key.startswith(prefix))[:1000]

    def count(self, name: str, by: int) -> None:
        self.counters[name] = self.counters.get(name, 0) + by

    def gauge(self, name: str, value: float) -> None:
        self.gauges[name] = value

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)

    def texts(self, template: str, records: Any) -> list[object]:
        return [self.template(template, {name: as_text(value) or "" for name, value in row.items()}) for row in records.rows]


