"""Typed configuration: a dataclass is read from JSON and described by JSON Schema (2020-12).

What must stay true: a configuration that the schema accepts is read, and one that it refuses is refused with the place of
the mistake.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import re
import types
import typing
from typing import Any

_MISSING: Any = dataclasses.MISSING
_BASIC = {str: "string", int: "integer", float: "number", bool: "boolean"}
_LIMITS = {
    "minimum": (lambda value, limit: value >= limit, "a number of at least {}"),
    "maximum": (lambda value, limit: value <= limit, "a number of at most {}"),
    "minLength": (lambda value, limit: len(value) >= limit, "a text of at least {} characters"),
    "minItems": (lambda value, limit: len(value) >= limit, "an array of at least {} items"),
}


class InvalidConfig(Exception):
    """The configuration cannot be used. The text is shown to its author as it is."""


def setting(default: Any = _MISSING, description: str | None = None, *, default_factory: Any = _MISSING, **limits: Any) -> Any:
    """A field of a configuration with its description and limits.

    Limits are keywords of JSON Schema: `minimum`, `maximum`, `minLength`, `minItems`, `pattern`.
    """
    unknown = set(limits) - {*_LIMITS, "pattern"}
    if unknown:
        raise TypeError(f"setting() knows no {', '.join(sorted(unknown))}")
    if isinstance(default, (list, dict)):
        default, default_factory = _MISSING, (lambda value=default: json.loads(json.dumps(value)))
    metadata = {"headworks": {"description": description, **limits}}
    if default_factory is not _MISSING:
        return dataclasses.field(default_factory=default_factory, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def schema(config: type | None) -> str:
    """The JSON Schema of a configuration class, as text."""
    root = _schema(config) if config else {"type": "object", "properties": {}, "additionalProperties": False}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **root}, separators=(",", ":"))


def parse(config: type | None, text: str) -> Any:
    """Reads a configuration. Nothing at all reads as an empty object.

    Raises `InvalidConfig`.
    """
    try:
        document = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise InvalidConfig(f"the configuration is not JSON: {error}") from None
    if config is None:
        if document not in ({}, None):
            raise InvalidConfig("this plugin has no settings")
        return None
    return _parse(config, document, "")


def _schema(kind: Any) -> dict[str, Any]:
    if kind in _BASIC:
        return {"type": _BASIC[kind]}
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (Any, dict, list):
        return {} if kind is Any else {"type": "object" if kind is dict else "array"}
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _schema(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [{"type": "null"} if each is type(None) else _schema(each) for each in arguments]}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [each.value for each in kind]}
    if dataclasses.is_dataclass(kind):
        return _object_schema(kind)
    raise TypeError(f"a configuration cannot have a member of type {kind!r}")


def _object_schema(kind: Any) -> dict[str, Any]:
    hints, properties, required = typing.get_type_hints(kind), {}, []
    for field in dataclasses.fields(kind):
        extra = {key: value for key, value in field.metadata.get("headworks", {}).items() if value is not None}
        member = {**_schema(hints[field.name]), **extra}
        default = _default(field)
        if default is _MISSING:
            required.append(field.name)
        elif default is not None:
            member["default"] = dataclasses.asdict(default) if dataclasses.is_dataclass(default) else default
        properties[field.name] = member
    answer: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        answer["required"] = required
    return answer


def _default(field: dataclasses.Field[Any]) -> Any:
    value = field.default_factory() if field.default_factory is not _MISSING else field.default
    return value.value if isinstance(value, enum.Enum) else value


def _wrong(path: str, wanted: str, value: Any) -> InvalidConfig:
    got = json.dumps(value, ensure_ascii=False)
    got = got if len(got) <= 60 else got[:57] + "..."
    return InvalidConfig(f"{path or 'the configuration'}: expected {wanted}, not {got}")


def _parse(kind: Any, value: Any, path: str) -> Any:
    if kind in _BASIC:
        return _parse_basic(kind, value, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin is typing.Literal:
        if value not in arguments:
            raise _wrong(path, " or ".join(json.dumps(each) for each in arguments), value)
        return value
    if kind is list or origin is list:
        if not isinstance(value, list):
            raise _wrong(path, "an array", value)
        return [_parse(arguments[0] if arguments else Any, each, f"{path}[{index}]") for index, each in enumerate(value)]
    if kind is dict or origin is dict:
        if not isinstance(value, dict):
            raise _wrong(path, "an object", value)
        each_kind = arguments[1] if arguments else Any
        return {name: _parse(each_kind, each, f"{path}.{name}".lstrip(".")) for name, each in value.items()}
    if origin in (typing.Union, types.UnionType):
        return _parse_union(arguments, value, path)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        try:
            return kind(value)
        except ValueError:
            raise _wrong(path, " or ".join(json.dumps(each.value) for each in kind), value) from None
    return _parse_object(kind, value, path)


def _parse_basic(kind: type, value: Any, path: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if kind is int and type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not kind:
        names = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
        raise _wrong(path, names[kind], value)
    return value


def _parse_union(kinds: tuple[Any, ...], value: Any, path: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    failure = None
    for kind in (each for each in kinds if each is not type(None)):
        try:
            return _parse(kind, value, path)
        except InvalidConfig as error:
            failure = failure or error
    raise failure or _wrong(path, "null", value)


def _parse_object(kind: Any, value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(path, "an object", value)
    hints, fields = typing.get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}
    for name in value:
        if name not in fields:
            known = ", ".join(fields)
            raise InvalidConfig(f"{f'{path}.{name}'.lstrip('.')}: there is no such setting; there are {known}")
    members = {}
    for name, field in fields.items():
        place = f"{path}.{name}".lstrip(".")
        if name in value:
            members[name] = _checked(field, _parse(hints[name], value[name], place), place)
        elif _default(field) is _MISSING:
            raise InvalidConfig(f"{place}: this setting is required")
    try:
        return kind(**members)
    except (ValueError, TypeError) as error:
        raise InvalidConfig(f"{path}: {error}".removeprefix(": ")) from None


def _checked(field: dataclasses.Field[Any], value: Any, path: str) -> Any:
    limits = field.metadata.get("headworks", {})
    for name, limit in limits.items():
        if value is None or limit is None:
            continue
        if name in _LIMITS:
            holds, words = _LIMITS[name]
            if not holds(value, limit):
                raise _wrong(path, words.format(limit), value)
        elif name == "pattern" and not re.search(limit, value):
            raise _wrong(path, f"a text that matches {limit}", value)
    return value
