"""The service's model, as botocore carries it: which operations there are, and what their requests and answers hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol, cast

from botocore.loaders import Loader
from botocore.model import ServiceModel

SERVICE = "kinesisanalyticsv2"

_PRIMITIVES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "blob": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "timestamp": (int, float),
}


class Shape(Protocol):
    """What is used here of botocore's shapes, which carry no types."""

    name: str
    type_name: str
    metadata: dict[str, Any]
    required_members: list[str]
    members: dict[str, Shape]
    member: Shape
    key: Shape
    value: Shape
    enum: list[str]


class ApiModel:
    """Tells which JSON the service takes and gives."""

    def __init__(self) -> None:
        self._model = ServiceModel(Loader().load_service_model(SERVICE, "service-2"), SERVICE)
        self.target_prefix: str = self._model.metadata["targetPrefix"]
        self.operations = frozenset(cast(list[str], self._model.operation_names))

    def request_violations(self, operation: str, body: object) -> list[str]:
        """What is wrong with a request, in the service's own words; empty if nothing is."""
        return list(_violations(self._model.operation_model(operation).input_shape, body, ""))

    def answer_violations(self, operation: str, body: object) -> list[str]:
        """What is wrong with an answer; empty if nothing is."""
        return list(_violations(self._model.operation_model(operation).output_shape, body, ""))

    def errors(self, operation: str) -> frozenset[str]:
        """The errors that the model names for an operation."""
        return frozenset(shape.name for shape in self._model.operation_model(operation).error_shapes)


def violation_message(violations: list[str]) -> str:
    """One sentence for all of them, as the service words it."""
    count = len(violations)
    return f"{count} validation error{'s' if count > 1 else ''} detected: {'; '.join(violations)}"


def _violations(shape: Shape, value: object, path: str) -> Iterator[str]:
    match shape.type_name, value:
        case "structure", dict():
            yield from _structure(shape, value, path)
        case "list", list():
            yield from _size(shape, len(value), value, path)
            for index, item in enumerate(value, start=1):
                yield from _violations(shape.member, item, f"{path}.{index}.member")
        case "map", dict():
            yield from _size(shape, len(value), value, path)
            for key, item in value.items():
                yield from _violations(shape.key, key, f"{path}.key")
                yield from _violations(shape.value, item, f"{path}.{key}.member")
        case kind, _ if _is(kind, value):
            yield from _primitive(shape, value, path)
        case _:
            yield _failed(value, path or "body", f"Member must be of the type {shape.type_name}")


def _is(kind: str, value: object) -> bool:
    # In Python a bool is an int, in JSON it isn't.
    return isinstance(value, _PRIMITIVES.get(kind, ())) and (kind == "boolean") == isinstance(value, bool)


def _structure(shape: Shape, value: dict[str, object], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _failed(None, _join(path, name), "Member must not be null")
    for name, item in value.items():
        if name not in shape.members:
            yield _failed(item, _join(path, name), f"{shape.name} has no such member")
        elif item is not None:
            yield from _violations(shape.members[name], item, _join(path, name))


def _primitive(shape: Shape, value: object, path: str) -> Iterator[str]:
    metadata = shape.metadata
    if isinstance(value, str):
        enum = metadata.get("enum")
        pattern = metadata.get("pattern")
        if enum and value not in enum:
            yield _failed(value, path, f"Member must satisfy enum value set: [{', '.join(enum)}]")
        if shape.type_name == "string":
            yield from _size(shape, len(value), value, path)
        if pattern and not re.fullmatch(pattern, value):
            yield _failed(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    elif not isinstance(value, bool) and isinstance(value, int | float):
        if "min" in metadata and value < metadata["min"]:
            yield _failed(value, path, f"Member must have value greater than or equal to {metadata['min']}")
        if "max" in metadata and value > metadata["max"]:
            yield _failed(value, path, f"Member must have value less than or equal to {metadata['max']}")


def _size(shape: Shape, size: int, value: object, path: str) -> Iterator[str]:
    if size < shape.metadata.get("min", 0):
        yield _failed(value, path, f"Member must have length greater than or equal to {shape.metadata['min']}")
    if size > shape.metadata.get("max", size):
        yield _failed(value, path, f"Member must have length less than or equal to {shape.metadata['max']}")


def _join(path: str, name: str) -> str:
    member = name[0].lower() + name[1:]
    return f"{path}.{member}" if path else member


def _failed(value: object, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{str(value)[:200]}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"
