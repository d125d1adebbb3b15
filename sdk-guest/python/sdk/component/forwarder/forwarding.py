"""The exports of `headworks:plugin/forwarding`."""

from typing import Any

from componentize_py_types import Err
from headworks import _component, _system, plugin
from wit_world.exports import forwarding as wire


def _opening(work: Any) -> Any:
    _system.seed()
    try:
        return work()
    except plugin.InvalidConfig as problem:
        raise Err(wire.OpenError_InvalidConfig(str(problem))) from None
    except plugin.Failed as problem:
        raise Err(wire.OpenError_Failed(str(problem))) from None


def _stop(stop: plugin.Undelivered) -> wire.Stop:
    retry: Any = wire.Retry_Never()
    if stop.retry_after is not None:
        retry = wire.Retry_AfterMilliseconds(max(0, round(stop.retry_after * 1000)))
    return wire.Stop(stop.at, stop.reason, retry)


class Forwarding:
    def targets(self, config: str) -> list[str]:
        return _opening(lambda: plugin.targets(plugin.defined(), config))


class Sink:
    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @classmethod
    def open(cls, config: str) -> "Sink":
        return _opening(lambda: cls(plugin.open_plugin(plugin.defined(), config)))

    def send(self, records: Any) -> wire.Report:
        with records:
            report = plugin.send(self._opened, _component.Records(records))
        rejected = [wire.Rejection(index, reason) for index, reason in report.rejected]
        return wire.Report(rejected, _stop(report.stopped) if report.stopped else None)

    def flush(self) -> None:
        stop = plugin.flush(self._opened)
        if stop is not None:
            raise Err(_stop(stop))
