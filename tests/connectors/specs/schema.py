"""JSON Schema as vendors write it in OpenAPI: what is wrong with a value, unknown and read-only properties included."""

import datetime as dt
import re
import uuid
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft4Validator, Draft202012Validator, FormatChecker
from jsonschema.exceptions import UnknownType, ValidationError, best_match
from jsonschema.validators import extend

_BRANCHES = ("allOf", "anyOf", "oneOf")
Schema = dict[str, Any]

FORMATS = FormatChecker(formats=())
FORMATS.checks("date-time", ValueError)(lambda value: not isinstance(value, str) or dt.datetime.fromisoformat(value))
FORMATS.checks("date", ValueError)(lambda value: not isinstance(value, str) or dt.date.fromisoformat(value[:10]))
FORMATS.checks("uuid", ValueError)(lambda value: not isinstance(value, str) or uuid.UUID(value))


class Schemas:
    """The schemas of one document, whose references lead into that document."""

    def __init__(self, document: Any) -> None:
        self.document = document
        new = str(document.get("openapi", "")).startswith("3.1")
        self._validator = extend(
            Draft202012Validator if new else Draft4Validator,
            {
                "$ref": self._follow,
                "type": _type,
                "additionalProperties": _additional,
                "enum": _enum,
                "pattern": _pattern,
                "required": self._required,
                "oneOf": Draft4Validator.VALIDATORS["anyOf"],
            },
        )

    def problems(self, schema: Schema, value: Any, at: str) -> list[str]:
        """What is wrong with ``value``, which lies ``at``. Empty: nothing is."""
        errors = self._validator(schema, format_checker=FORMATS).iter_errors(value)
        return [_said(error, at) for error in errors] + list(self._strangers([schema], value, at))

    def resolved(self, schema: Any) -> Any:
        """``schema`` itself, or what it refers to; an empty one where that lies in another document."""
        for _ in range(20):
            if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
                return schema if isinstance(schema, dict) else {}
            schema = self.at(schema["$ref"])
        return {}

    def at(self, reference: str) -> Any:
        """What lies at ``#/a/b`` in the document; an empty schema: nothing does, or it is another document."""
        found = self.document if reference.startswith("#/") else {}
        for step in reference[2:].split("/") if found else ():
            key = unquote(step).replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found.get(key, {})
        return found

    def branches(self, schema: Schema) -> Iterator[Schema]:
        """``schema`` and all schemas it is put together of, references followed."""
        found = self.resolved(schema)
        yield found
        for word in _BRANCHES:
            for part in found.get(word, ()):
                yield from self.branches(part)

    def _follow(self, validator: Any, reference: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
        yield from validator.descend(instance, self.resolved({"$ref": reference}))

    def _required(self, validator: Any, required: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
        # OpenAPI: a required property that is read-only is required of answers only.
        if not isinstance(required, list) or not isinstance(instance, dict):
            return
        for name in required:
            if name not in instance and not self.resolved(schema.get("properties", {}).get(name)).get("readOnly"):
                yield ValidationError(f"{name!r} is required and is not there")

    def _strangers(self, schemas: list[Schema], value: Any, at: str) -> Iterator[str]:
        """Properties that no branch of ``schemas`` mentions, or that cannot be written."""
        parts = [part for schema in schemas for part in self.branches(schema)]
        if isinstance(value, list):
            items = [part["items"] for part in parts if isinstance(part.get("items"), dict)]
            for index, one in enumerate(value):
                yield from self._strangers(items, one, f"{at}.{index}")
        elif isinstance(value, dict):
            for name, one in value.items():
                yield from self._stranger(parts, name, one, f"{at}.{name}")

    def _stranger(self, parts: list[Schema], name: str, value: Any, at: str) -> Iterator[str]:
        known = sorted({key for part in parts for key in _named(part)})
        mentioned = [found for part in parts for found in _mentions(part, name)]
        if not mentioned:
            mentioned = [
                part["additionalProperties"] for part in parts if isinstance(part.get("additionalProperties"), dict)
            ]
            closed = any(part.get("additionalProperties") is False for part in parts)
            if (known or closed) and not mentioned:
                near = get_close_matches(name, known, n=1)
                yield f"{at}: unknown property" + (f"; is {near[0]} meant?" if near else "")
        elif all(self.resolved(one).get("readOnly") is True for one in mentioned) and not _needed(parts, name):
            yield f"{at}: is read-only"
        yield from self._strangers(mentioned, value, at)


def _named(part: Schema) -> list[str]:
    return [*part.get("properties", {}), *part.get("patternProperties", {})]


def _mentions(part: Schema, name: str) -> list[Schema]:
    own = part.get("properties", {})
    return ([own[name]] if name in own else []) + [
        found for pattern, found in part.get("patternProperties", {}).items() if re.search(pattern, name)
    ]


def _needed(parts: list[Schema], name: str) -> bool:
    # Some vendors call an id read-only in the very schema that requires it.
    return any(name in part.get("required", ()) for part in parts if isinstance(part.get("required"), list))


def _nullable(schema: Schema) -> bool:
    return schema.get("nullable") is True or schema.get("x-nullable") is True


def _type(validator: Any, types: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if instance is None and _nullable(schema):
        return
    wanted = types if isinstance(types, list) else [types]
    if not any(_is(validator, instance, one) for one in wanted):
        yield ValidationError(f"{_short(instance)} is not of type {', '.join(map(str, wanted))}")


def _is(validator: Any, instance: Any, name: str) -> bool:
    try:
        return bool(validator.is_type(instance, name))
    except UnknownType:
        return True  # a type that JSON Schema does not have says nothing


def _enum(validator: Any, values: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    if instance not in values and not (instance is None and _nullable(schema)):
        yield ValidationError(f"{_short(instance)} is none of {_short(values)}")


def _additional(validator: Any, rest: Any, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    # That there may be no more is held against all branches together, which vendors mean by a false in each of them.
    if isinstance(rest, dict):
        yield from Draft4Validator.VALIDATORS["additionalProperties"](validator, rest, instance, schema) or ()


def _pattern(validator: Any, pattern: str, instance: Any, schema: Schema) -> Iterator[ValidationError]:
    # Python has no \\p{L}; a letter is the nearest that it has.
    readable = pattern.replace(r"\p{L}", r"\w")
    if isinstance(instance, str) and not re.search(readable, instance):
        yield ValidationError(f"{_short(instance)} does not match {_short(pattern)}")


def _said(error: ValidationError, at: str) -> str:
    deepest = best_match([error]) or error
    place = ".".join([at, *(str(step) for step in deepest.absolute_path)])
    return f"{place}: {deepest.message if len(deepest.message) < 300 else deepest.message[:300] + '...'}"


def _short(value: Any) -> str:
    said = repr(value)
    return said if len(said) < 100 else said[:100] + "..."
