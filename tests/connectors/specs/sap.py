"""SAP's services: S/4HANA's OData V2 metadata, and field lists of Business One's Service Layer."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree

from tests.connectors.specs.documents import document, spec_path
from tests.connectors.specs.language import Token
from tests.connectors.specs.odata import Entity, Property, Service
from tests.connectors.specs.request import SpecRequest

_SAP = "{http://www.sap.com/Protocols/SAPData}"
_OPTIONS = {"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$format", "$skiptoken"}

# Which type a set of the Service Layer has: the list of fields does not say. Its Contact is an activity.
_B1_SETS = dict.fromkeys(
    ("Orders", "Invoices", "Quotations", "DeliveryNotes", "CreditNotes", "Drafts", "PurchaseOrders"), "Document"
)
_B1_SETS |= {"Items": "Item", "BusinessPartners": "BusinessPartner", "Warehouses": "Warehouse", "Activities": "Contact"}
_B1_KEYS = {
    "Item": ("ItemCode",),
    "Document": ("DocEntry",),
    "BusinessPartner": ("CardCode",),
    "Warehouse": ("WarehouseCode",),
}


def s4(name: str, request: SpecRequest) -> list[str]:
    """What the EDMX in file ``name`` finds wrong with ``request``. Raises NotCovered: it is to no set of it."""
    return _s4(name).problems(request)


def b1(name: str, request: SpecRequest) -> list[str]:
    """The same for the field lists of Business One."""
    return _b1(name).problems(request)


def _text(token: Token) -> bool:
    return token.kind == "text" and token.written.startswith("'")


def _number(token: Token) -> bool:
    return token.kind == "number"


def _whole(token: Token) -> bool:
    return token.kind == "number" and re.fullmatch(r"-?\d+[lL]?", token.written) is not None


def _never(token: Token) -> bool:
    return False  # true and false are names, not literals


def _typed(prefix: str) -> Callable[[Token], bool]:
    return lambda token: token.kind == "text" and token.written.startswith(prefix + "'")


_DATE = r"^(/Date\(-?\d+([+-]\d{4})?\)/|\d{4}-\d\d-\d\dT.*)$"
_EDM: dict[str, tuple[dict[str, Any], Callable[[Token], bool]]] = {
    "String": ({"type": "string"}, _text),
    "Boolean": ({"type": "boolean"}, _never),
    # OData V2 writes them as texts, so that no digit is lost.
    "Decimal": ({"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}, _number),
    "Double": ({"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d"}]}, _number),
    "Byte": ({"type": "integer"}, _whole),
    "Int16": ({"type": "integer"}, _whole),
    "Int32": ({"type": "integer"}, _whole),
    "Int64": ({"type": "string", "pattern": r"^-?\d+$"}, _whole),
    "Guid": ({"type": "string", "format": "uuid"}, _typed("guid")),
    "Time": ({"type": "string", "pattern": "^P"}, _typed("time")),
    "DateTime": ({"type": "string", "pattern": _DATE}, _typed("datetime")),
    "DateTimeOffset": ({"type": "string", "pattern": _DATE}, _typed("datetimeoffset")),
}


@lru_cache(maxsize=8)
def _s4(name: str) -> Service:
    schemas = [one for one in ElementTree.fromstring(spec_path(name).read_bytes()).iter() if _tag(one) == "Schema"]
    ends = {
        f"{schema.get('Namespace')}.{one.get('Name')}": {end.get("Role"): end for end in one if _tag(end) == "End"}
        for schema in schemas
        for one in schema
        if _tag(one) == "Association"
    }
    complexes = {_last(one.get("Name")): one for schema in schemas for one in schema if _tag(one) == "ComplexType"}
    entities = {
        _last(one.get("Name")): _entity(one, ends) for schema in schemas for one in schema if _tag(one) == "EntityType"
    }
    entities |= {key: _entity(one, ends) for key, one in complexes.items()}
    listed = [one for schema in schemas for one in schema.iter() if _tag(one) == "EntitySet"]
    flags = {"creatable": "POST", "updatable": "PATCH", "deletable": "DELETE"}
    return Service(
        entities,
        {str(one.get("Name")): _last(one.get("EntityType")) for one in listed},
        frozenset(_OPTIONS | {"$inlinecount", "search", "sap-client", "sap-language"}),
        {
            str(one.get("Name")): {verb for flag, verb in flags.items() if one.get(_SAP + flag) == "false"}
            for one in listed
        },
        str(schemas[0].get("Namespace")),
    )


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _last(name: str | None) -> str:
    return str(name).rsplit(".", 1)[-1].removesuffix(")")


def _entity(element: ElementTree.Element, ends: dict[str, Any]) -> Entity:
    properties = [one for one in element if _tag(one) == "Property"]
    leads = {}
    for one in element:
        if _tag(one) == "NavigationProperty":
            end = ends[str(one.get("Relationship"))][one.get("ToRole")]
            leads[str(one.get("Name"))] = (_last(end.get("Type")), end.get("Multiplicity") == "*")
    key = tuple(str(one.get("Name")) for part in element if _tag(part) == "Key" for one in part)
    simple = {str(one.get("Name")): _property(one) for one in properties if str(one.get("Type")).startswith("Edm.")}
    leads |= {
        str(one.get("Name")): (_last(one.get("Type")), False) for one in properties if one.get("Name") not in simple
    }
    # A customer's own fields begin so.
    return Entity(simple, leads, key, own="^(YY1_|ZZ)")


def _property(element: ElementTree.Element) -> Property:
    schema, literal = _EDM[str(element.get("Type"))[4:]]
    schema = {**schema, "nullable": element.get("Nullable") != "false"}
    if (element.get("MaxLength") or "").isdigit():
        schema["maxLength"] = int(str(element.get("MaxLength")))
    may = {flag: element.get(_SAP + flag) != "false" for flag in ("filterable", "sortable", "creatable", "updatable")}
    return Property(schema, literal, **may)


@lru_cache(maxsize=2)
def _b1(name: str) -> Service:
    listed = document(name)["entities"]
    entities = {key: _b1_entity(key, facts) for key, facts in listed.items()}
    return Service(entities, _B1_SETS, frozenset(_OPTIONS | {"$count", "$inlinecount", "$apply"}))


def _b1_entity(name: str, facts: dict[str, str]) -> Entity:
    properties: dict[str, Property] = {}
    leads: dict[str, tuple[str, bool]] = {}
    for key, said in facts.items():
        kind = re.sub(r"^ForwardRef\('|'\)$", "", said).removesuffix(" | None")
        many = re.fullmatch(r"list\[(\w+)\]", kind)
        if many:
            leads[key] = (many[1], True)
        else:
            properties[key] = Property(*_b1_type(kind))
    return Entity(properties, leads, _B1_KEYS.get(name, ()), own="^U_")


def _b1_type(kind: str) -> tuple[dict[str, Any], Callable[[Token], bool]]:
    if "coerce_sap_boolean" in kind:
        return {"enum": ["tYES", "tNO"], "nullable": True}, _text
    simple: dict[str, tuple[dict[str, Any], Callable[[Token], bool]]] = {
        # Dates and times are texts in this list too.
        "str": ({"type": "string", "nullable": True}, lambda token: token.kind in ("text", "moment")),
        "int": ({"type": "integer", "nullable": True}, _whole),
        "float": ({"type": "number", "nullable": True}, _number),
    }
    if kind.startswith("Bo") or kind.endswith("Enum"):
        return {"type": "string", "nullable": True}, _text
    # What is left are other enumerations, and entities that the list does not describe.
    return simple.get(kind, ({"type": ["string", "object"], "nullable": True}, _text))
