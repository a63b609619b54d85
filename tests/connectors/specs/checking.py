"""The one entry: what a vendor's own spec finds wrong with a request."""

from collections.abc import Callable
from fnmatch import fnmatch
from functools import lru_cache

from tests.connectors.specs import derived, klaviyo, magento, openapi, quickbooks, salesforce, sap, shipbob, shopify
from tests.connectors.specs.documents import spec_path, specs_folder
from tests.connectors.specs.request import NotCovered, SpecRequest

Check = Callable[[str, SpecRequest], list[str]]

# The first pattern that a file's name is decides; files of no pattern, such as licences, are no specs.
_KINDS: dict[str, Check] = {
    "hubspot/operations.json": derived.hubspot,
    "mailchimp/operations.json": derived.mailchimp,
    "woocommerce/*.json": derived.woocommerce,
    "shopify/admin_*.json.gz": shopify.problems,
    "shopify/*": lambda name, request: _nothing(name),
    "salesforce/*.describe.json": salesforce.problems,
    "sap-b1/entities.json": sap.b1,
    "*.edmx": sap.s4,
    "*.xsd": quickbooks.problems,
    "klaviyo/*.json*": klaviyo.problems,
    "magento/*": magento.problems,
    "shipbob/*.json": shipbob.problems,
    "*.json": openapi.problems,
    "*.json.gz": openapi.problems,
    "*.yml": openapi.problems,
    "*.yaml": openapi.problems,
}

# What a vendor's spec gets wrong itself. ShipStation: a shipment has a pickup only once one is booked, so that the
# parameter, shared with the paths of pickups, would leave out all others. ShipBob: its guide sends a number for a type
# of product, and the text of the spec wants a list of variants where its schema has one.
_MISTAKES = {
    "shipstation/v2-openapi.yaml": {"query.pickup_id: is required and is not there"},
    "shipbob/openapi-2026-01.json": {
        "body.type_id: 1 is not of type string",
        "body.type_id: 1 is none of ['1', '2']",
        "body: [{'id': 3012, 'name': 'T-Shirt Large', 'upc': '012345678912'}] is not of type object",
    },
}


def check(spec: str, request: SpecRequest) -> list[str]:
    """What the vendor's spec finds wrong with ``request``, one sentence each. Empty: nothing.

    Args:
        spec: what a connector's entity says in ``spec:``: a file below the folder ``PULLPUSH_SPECS`` names, or a
            folder of it, or several of these with blanks between, of which any may describe the operation.

    Raises:
        NotCovered: none of the files describes this operation, or ``spec`` is ``none``. Where a connector names a
            spec, that is as bad as a problem: a misspelt path looks the same.
        FileNotFoundError: there is no such file.
    """
    verdicts, missing = [], []
    for name in _files(spec):
        try:
            found = _kind(name)(name, request)
            verdicts.append([said for said in found if said not in _MISTAKES.get(name, ())])
        except NotCovered as error:
            missing.append(f"{name}: {error}")
    if not verdicts:
        raise NotCovered("; ".join(missing) or "there is no spec")
    # Reads and writes of one path may lie in different files: the one that knows the operation finds least wrong.
    return min(verdicts, key=lambda wrong: (any("is no method of" in one for one in wrong), len(wrong)))


@lru_cache(maxsize=256)
def _files(spec: str) -> tuple[str, ...]:
    """The files that ``spec`` names, those in its folders included."""
    root = specs_folder()
    found = []
    for name in () if spec == "none" else spec.split():
        path = spec_path(name)
        inner = (
            sorted(str(one.relative_to(root)) for one in path.glob("*") if one.is_file())
            if root and path.is_dir()
            else [name]
        )
        # All schemas of QuickBooks make one spec.
        xsd = [one for one in inner if one.endswith(".xsd")]
        found += [one for one in inner if one not in xsd[1:] and _known(one)] if path.is_dir() else inner
    return tuple(found)


def _known(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _KINDS)


def _kind(name: str) -> Check:
    return next(
        (kind for pattern, kind in _KINDS.items() if fnmatch(name, pattern)), lambda name, request: _nothing(name)
    )


def _nothing(name: str) -> list[str]:
    raise NotCovered(f"{name} describes no requests")
