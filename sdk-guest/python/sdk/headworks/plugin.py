"""The three things a plugin can be. A plugin is a module that defines one subclass of one of these classes.

Owns the plugin that was defined and the calls of the host to it. What must stay true: an exception of the author's code
becomes an error that names its line, never a trap.
"""

from __future__ import annotations

import dataclasses
import json
import traceback
import typing
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from . import _host, config as configs, http
from .batch import Batch
from .config import InvalidConfig


@dataclasses.dataclass(frozen=True)
class Description:
    """Who a plugin is."""

    name: str
    version: str
    summary: str
    config_schema: str
    grants: list[str]


class Plugin:
    """What transformers, forwarders and validators have in common.

    A subclass says who it is in its class statement and what it is configured with in an annotation:

        class Upper(headworks.Transformer, name="upper", version="0.1.0", summary="Upper-cases a field"):
            config: Config
    """

    config: Any = None
    """The configuration: an instance of the dataclass that the subclass names in its annotation."""
    _description: ClassVar[Description]
    _config: ClassVar[type | None] = None

    def __init_subclass__(
        cls, *, name: str = "", version: str = "", summary: str = "", grants: Sequence[str] = (), **rest: Any
    ) -> None:
        super().__init_subclass__(**rest)
        if cls.__module__.startswith("headworks."):
            return
        if not (name and version):
            raise TypeError(f"class {cls.__name__} needs a name and a version: class {cls.__name__}(…, name=…, version=…)")
        cls._config = typing.get_type_hints(cls).get("config")
        if cls._config is Any:
            cls._config = None
        if cls._config is not None and not dataclasses.is_dataclass(cls._config):
            raise TypeError(f"the configuration of {cls.__name__} needs to be a dataclass")
        cls._description = Description(name, version, summary, configs.schema(cls._config), list(grants))
        _defined.append(cls)

    def open(self) -> None:
        """Prepares what calls need: compile patterns, build tables. May be expensive, and may raise `InvalidConfig`."""


class Transformer(Plugin):
    """Maps records to records. Override `transform`, or `transform_event` where each record is on its own."""

    def transform(self, batch: Batch) -> None:
        """Changes the batch. An exception fails every record of it; use `event.reject` for one record."""
        for event in batch:
            self.transform_event(event)

    def transform_event(self, event: Any) -> None:
        """Changes one event."""
        raise NotImplementedError(f"{type(self).__name__} needs a method transform or transform_event")


class Undelivered(Exception):
    """Records were not delivered, from `at` on (an index in the batch).

    `retry_after` is in seconds; `None` means that trying again with this configuration is of no use.
    """

    def __init__(self, reason: str, *, at: int = 0, retry_after: float | None = 1.0) -> None:
        super().__init__(reason)
        self.reason, self.at, self.retry_after = reason, at, retry_after


class Forwarder(Plugin):
    """Delivers records to somewhere else. Override `targets` and `send`."""

    @classmethod
    def targets(cls, config: Any) -> list[str]:
        """What a configuration needs to reach: `https://example.com:443`, `tcp://host:port`, `udp://host:port`."""
        return []

    def send(self, batch: Batch) -> None:
        """Delivers the batch, or keeps some of it back until `flush`.

        `event.reject` marks what the target will never take; raise `Undelivered` for the rest.
        """
        raise NotImplementedError(f"{type(self).__name__} needs a method send")

    def flush(self) -> None:
        """Delivers what `send` kept back: called after each `send`, before anybody is told that it was delivered.

        May raise `Undelivered`, whose `at` counts from the first record of that `send`. The server has the records from there
        on again, and does not use this instance any more.
        """


@dataclasses.dataclass(frozen=True)
class Violation:
    """What is wrong with a document. `path` is a JSON pointer, empty for the whole document."""

    path: str
    message: str
    severity: str = "error"


def error(path: str, message: str) -> Violation:
    """A violation that keeps the document from being saved."""
    return Violation(path, message, "error")


def warning(path: str, message: str) -> Violation:
    """A violation that is only reported."""
    return Violation(path, message, "warning")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A document that somebody wants to save or delete."""

    kind: str
    scope: str
    name: str
    operation: str
    """`create`, `update` or `delete`."""
    text: str
    """The document as JSON."""
    previous_text: str | None
    principal: str

    @property
    def document(self) -> Any:
        """The document: the new one, or the one to delete."""
        return json.loads(self.text)

    @property
    def previous(self) -> Any:
        """What the document replaces, or `None`."""
        return None if self.previous_text is None else json.loads(self.previous_text)


class Validator(Plugin):
    """Judges documents before they are saved. Override `validate`."""

    def validate(self, subject: Subject) -> Iterable[Violation]:
        """Everything that is wrong; nothing when the document may be saved. An exception says it cannot be judged."""
        raise NotImplementedError(f"{type(self).__name__} needs a method validate")


_defined: list[type[Plugin]] = []


def defined() -> type[Plugin]:
    """The plugin that the author's module defines."""
    if not _defined:
        raise RuntimeError("no plugin is defined: the module needs a subclass of Transformer, Forwarder or Validator")
    return _defined[-1]


class Failed(Exception):
    """The author's code raised something; the text is for the operator."""


def _failed(problem: BaseException) -> Failed:
    """The problem with its place in the author's code; the whole traceback goes to the plugin's log."""
    text = "".join(traceback.format_exception(problem))
    for line in text.splitlines():
        _host.current().log("error", line)
    frames = [each for each in traceback.extract_tb(problem.__traceback__) if "/headworks/" not in each.filename]
    name = type(problem).__name__
    message = f"{name}: {problem}" if str(problem) else name
    if frames:
        file = frames[-1].filename.rsplit("/", 1)[-1]
        message += f" ({file}, line {frames[-1].lineno})"
    return Failed(message)


def open_plugin(kind: type[Any], text: str) -> Any:
    """A plugin with its configuration.

    Raises `InvalidConfig` and `Failed`.
    """
    config = configs.parse(kind._config, text)
    try:
        plugin = kind()
        plugin.config = config
        plugin.open()
    except InvalidConfig:
        raise
    except Exception as problem:
        raise _failed(problem) from None
    return plugin


def transform(plugin: Transformer, records: _host.Records) -> None:
    """Raises `Failed`."""
    try:
        batch = Batch(records)
        plugin.transform(batch)
        batch._finish()
    except Exception as problem:
        raise _failed(problem) from None


def targets(kind: type[Any], text: str) -> list[str]:
    """Raises `InvalidConfig` and `Failed`."""
    config = configs.parse(kind._config, text)
    try:
        return list(kind.targets(config))
    except InvalidConfig:
        raise
    except Exception as problem:
        raise _failed(problem) from None


@dataclasses.dataclass
class Report:
    """What became of a batch; `stopped` where records from `stopped.at` on were not delivered."""

    rejected: list[tuple[int, str]]
    stopped: Undelivered | None = None


def send(plugin: Forwarder, records: _host.Records) -> Report:
    """Delivers records. Whatever goes wrong is in the report."""
    batch = Batch(records)
    stopped = _stopped(lambda: plugin.send(batch))
    return Report(sorted(batch._rejected.items()), stopped)


def flush(plugin: Forwarder) -> Undelivered | None:
    """Delivers what was kept back."""
    return _stopped(plugin.flush)


def _stopped(work: Any) -> Undelivered | None:
    try:
        work()
    except Undelivered as stop:
        return stop
    except http.NetworkError as problem:
        return Undelivered(str(problem), retry_after=None if problem.kind in ("denied", "invalid") else 1.0)
    except Exception as problem:
        return Undelivered(str(_failed(problem)), retry_after=None)
    return None


def validate(plugin: Validator, subject: Subject) -> list[Violation]:
    """Raises `Failed`."""
    try:
        return list(plugin.validate(subject) or ())
    except Exception as problem:
        raise _failed(problem) from None
