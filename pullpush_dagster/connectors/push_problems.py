"""What a connector's push facts say that cannot be."""

from collections.abc import Iterator

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import ListOf, Struct
from pullpush_dagster.connectors.look_up_model import LookUp
from pullpush_dagster.connectors.push_model import Lines, PushFacts, Reference
from pullpush_dagster.connectors.template import holes, request_problems, template_problems
from pullpush_dagster.connectors.write_model import Write

_Told = Iterator[tuple[tuple[str, ...], str]]


def push_problems(entity: Entity, push: PushFacts, settings: set[str], bound: set[str]) -> _Told:
    """(key below ``push``, what is wrong and what is allowed) for each fault. None: all is well."""
    references = {f"reference.{name}" for name in push.references}
    names = {*_fields(entity), *bound, *settings, *references, *push.also, "idempotency", "index"}
    names |= {f"now.{name}" for name in push.now}
    for form in push.forms:
        yield from _write_problems(form, names | ({"lines"} if push.lines else set()))
    for name, look, asked in (("find", push.find, "keys"), ("read", push.read, "ids")):
        if look is not None:
            yield from (((name,), text) for text in _look_up_problems(look, {asked} | settings))
    if push.find is not None and push.find.field not in entity.key:
        yield ("find", "field"), f"is not one of {', '.join(entity.key)}"
    if push.now and push.read is None:
        yield ("now",), "needs read: it is what that finds"
    for name, reference in push.references.items():
        yield from _reference_problems(entity, name, reference, settings)
    if push.lines is not None:
        yield from _lines_problems(entity, push.lines, settings, references)
    yield from _lists_problems(entity, push, names)
    yield from _field_problems(entity, push)


def _fields(entity: Entity) -> set[str]:
    """Every field, and every part of an object, as a placeholder."""
    parts = {f"{name}.{part}" for name, t in entity.fields.items() if isinstance(t, Struct) for part in t.fields}
    return {*entity.fields, *parts}


def _field_problems(entity: Entity, push: PushFacts) -> _Told:
    native = {native for form in push.forms for native in form.record}
    yield from ((("echo",), f"{name} is in no record") for name in sorted(set(push.echo) - native))
    reached = {push.actions.field} if push.actions else set()
    unless = {field for form in push.forms for one in form.unless for field in one}
    named = {*push.agree, *reached, *unless, *push.scale, *push.lists, *(one.of for one in push.also.values())}
    for field in sorted(named - set(entity.fields)):
        yield (), f"{field} is not a field of {entity.name}"
    for field in sorted({*push.values, *push.cleared} - _fields(entity)):
        yield (), f"{field} is not a field of {entity.name}"
    told = {name for form in push.forms for name in form.names}
    parts = {name for name in push.cleared if "." in name} & _fields(entity)
    yield from ((("cleared",), f"{name} is in no record") for name in sorted(parts - told))


def _lists_problems(entity: Entity, push: PushFacts, names: set[str]) -> _Told:
    for field, template in push.lists.items():
        type_ = entity.fields.get(field)
        if not isinstance(type_, ListOf):
            yield ("lists", field), f"is no list of {entity.name}"
        else:
            known = {f"line.{name}" for name in type_.item.fields} | names
            yield from ((("lists", field), text) for text in template_problems(template, known))


def _look_up_problems(look: LookUp, names: set[str]) -> list[str]:
    apart = "several" in holes(look.query)
    key = {"key", "several"} if apart else {"key"} if look.term or look.batch == 1 else set()
    terms = {"terms"} if look.term else set()
    return request_problems(look, names | key | terms) + template_problems(look.term or "", {"key"})


def _write_problems(form: Write, names: set[str]) -> _Told:
    templates = [form.record, form.defaults]
    yield from (((), text) for text in [*request_problems(form, names), *template_problems(templates, names)])
    if form.job is not None:
        yield from ((("job",), text) for text in request_problems(form.job, {"job"}))


def _reference_problems(entity: Entity, name: str, reference: Reference, settings: set[str]) -> _Told:
    here = ("references", name)
    field, _, part = reference.of.partition(".")
    type_ = entity.fields.get(field)
    inner = type_.item if isinstance(type_, ListOf) else type_
    if reference.of in entity.key:
        inner = Struct({})
    elif not isinstance(inner, Struct) or part not in inner.fields:
        yield (*here, "of"), "is no part of a list or object, such as lineItems.sku, and not of the key"
        return
    yield from ((here, text) for text in _look_up_problems(reference, {"keys"} | settings))
    yield from ((here, text) for text in template_problems(reference.otherwise, settings))
    if reference.create is not None:
        yield from _write_problems(reference.create, {f"{field}.{one}" for one in inner.fields} | settings)


def _lines_problems(entity: Entity, lines: Lines, settings: set[str], references: set[str]) -> _Told:
    type_ = entity.fields.get(lines.field)
    if not isinstance(type_, ListOf):
        yield ("lines", "field"), f"is no list of {entity.name}"
        return
    yield from ((("lines",), text) for text in _look_up_problems(lines, {"ids"} | settings))
    for field in sorted({lines.key, *lines.values} - set(type_.item.fields)):
        yield ("lines",), f"{field} is not a field of {lines.field}"
    for name in lines.same:
        if f"reference.{name}" not in references:
            yield ("lines", "same"), f"{name} is not one of {', '.join(sorted(references))}"
    known = {f"line.{name}" for name in type_.item.fields} | {f"reference.{name}" for name in lines.same} | settings
    names = {"new": known, "changed": known | {"row.id"}, "gone": {"row.id"} | settings}
    for form, allowed in names.items():
        yield from ((("lines", form), text) for text in template_problems(getattr(lines, form), allowed))
