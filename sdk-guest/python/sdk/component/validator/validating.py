"""The exports of `headworks:plugin/validating`."""

from typing import Any

from componentize_py_types import Err
from headworks import _system, plugin
from wit_world.exports import validating as wire


class Rule:
    def __init__(self, opened: Any) -> None:
        self._opened = opened

    @classmethod
    def open(cls, config: str) -> "Rule":
        _system.seed()
        try:
            return cls(plugin.open_plugin(plugin.defined(), config))
        except plugin.InvalidConfig as problem:
            raise Err(wire.OpenError_InvalidConfig(str(problem))) from None
        except plugin.Failed as problem:
            raise Err(wire.OpenError_Failed(str(problem))) from None

    def validate(self, subject: Any) -> list[wire.Violation]:
        asked = plugin.Subject(
            subject.kind, subject.scope, subject.name, subject.operation.name.lower(),
            subject.document, subject.previous, subject.principal,
        )  # fmt: skip
        try:
            found = plugin.validate(self._opened, asked)
        except plugin.Failed as problem:
            raise Err(str(problem)) from None
        severity = {"error": wire.Severity.ERROR, "warning": wire.Severity.WARNING}
        return [wire.Violation(each.path, each.message, severity[each.severity]) for each in found]
