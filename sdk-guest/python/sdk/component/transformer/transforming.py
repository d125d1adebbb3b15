"""The exports of `headworks:plugin/transforming`."""

from typing import Any

from componentize_py_types import Err
from headworks import _component, _system, plugin
from wit_world.exports.transforming import OpenError_Failed, OpenError_InvalidConfig


class Instance:
    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @classmethod
    def open(cls, config: str) -> "Instance":
        _system.seed()
        try:
            return cls(plugin.open_plugin(plugin.defined(), config))
        except plugin.InvalidConfig as problem:
            raise Err(OpenError_InvalidConfig(str(problem))) from None
        except plugin.Failed as problem:
            raise Err(OpenError_Failed(str(problem))) from None

    def transform(self, records: Any) -> Any:
        try:
            plugin.transform(self._opened, _component.Records(records))
        except plugin.Failed as problem:
            with records:
                raise Err(str(problem)) from None
        return records
