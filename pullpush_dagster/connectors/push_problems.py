"""What a connector's push facts say that cannot be."""

from collections.abc import Iterator

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import ListOf, Struct
from pullpush_dagster.connectors.push_model import Lines, PushFacts, Reference, Write
from pullpush_dagster.connectors.template import template_problems

_Told = Iterator[tuple[tuple[str, ...], str]]


def push_problems(entity: Entity, push: PushFacts, settings: set[str]) -> _Told:
    """(key below ``push``, what is wrong and what is allowed) for each fault. None: all is well."""
    references = {f"reference.{name}" for name in push.references}
    names = {*entity.fields, "binding.id", "binding.parent", *settings, *references}
    for form in push.forms:
        yield from _write_problems(form, names | ({"lines"} if push.lines else set()))
    if push.find is not None:
        yield from ((("find",), text) for text in template_problems(push.find.templates, {"keys"} | settings))
        if push.find.field not in entity.key:
            yield ("find", "field"), f"is not one of {', '.join(entity.key)}"
    if push.read is not None:
        yield from ((("read",), text) for text in template_problems(push.read.templates, {"ids"} | settings))
    for name, reference in push.references.items():
        yield from _reference_problems(entity, name, reference, settings)
    if push.lines is not None:
        yield from _lines_problems(entity, push.lines, settings, references)
    native = {native for form in push.forms for native in form.record}
    yield from ((("echo",), f"{name} is in no record") for name in sorted(set(push.echo) - native))
    reached = {push.actions.field} if push.actions else set()
    unless = {field for form in push.forms for field in form.unless}
    for field in sorted({*push.values, *push.cleared, *push.agree, *reached, *unless} - set(entity.fields)):
        yield (), f"{field} is not a field of {entity.name}"


def _write_problems(form: Write, names: set[str]) -> _Told:
    templates = [*form.templates, form.record, form.defaults]
    yield from (((), text) for text in template_problems(templates, names))


def _reference_problems(entity: Entity, name: str, reference: Reference, settings: set[str]) -> _Told:
    here = ("references", name)
    field, _, part = reference.of.partition(".")
    type_ = entity.fields.get(field)
    inner = type_.item if isinstance(type_, ListOf) else type_
    if not isinstance(inner, Struct) or part not in inner.fields:
        yield (*here, "of"), "is not a part of a list or object, such as lineItems.sku or customer.email"
        return
    yield from ((here, text) for text in template_problems(reference.templates, {"keys"} | settings))
    yield from ((here, text) for text in template_problems(reference.otherwise, settings))
    if reference.create is not None:
        yield from _write_problems(reference.create, {f"{field}.{one}" for one in inner.fields} | settings)


def _lines_problems(entity: Entity, lines: Lines, settings: set[str], references: set[str]) -> _Told:
    type_ = entity.fields.get(lines.field)
    if not isinstance(type_, ListOf):
        yield ("lines", "field"), f"is no list of {entity.name}"
        return
    yield from ((("lines",), text) for text in template_problems(lines.templates, {"ids"} | settings))
    for field in sorted({lines.key, *lines.values} - set(type_.item.fields)):
        yield ("lines",), f"{field} is not a field of {lines.field}"
    for name in lines.same:
        if f"reference.{name}" not in references:
            yield ("lines", "same"), f"{name} is not one of {', '.join(sorted(references))}"
    known = {f"line.{name}" for name in type_.item.fields} | {f"reference.{name}" for name in lines.same} | settings
    names = {"new": known, "changed": known | {"row.id"}, "gone": {"row.id"} | settings}
    for form, allowed in names.items():
        yield from ((("lines", form), text) for text in template_problems(getattr(lines, form), allowed))
