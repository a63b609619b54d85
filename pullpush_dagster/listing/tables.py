"""Connectors as tables for people at a terminal."""

from rich.console import Console
from rich.table import Table

from pullpush_dagster.listing.facts import Cell, Listing


def show_all(listings: list[Listing], console: Console) -> None:
    """One row per connector, with one line per entity."""
    table = Table("connector", show_lines=True)
    for name in ("entity", "pull", "push", "spec", "verified"):
        table.add_column(name, no_wrap=True)
    table.add_column("limits")
    for one in listings:
        cells = [(c.entity, c.pull or "no", _yes(c.push), _yes(c.spec), c.proof) for c in one.cells]
        columns = ["\n".join(column) for column in zip(*cells, strict=True)] or [""] * 5
        table.add_row(_head(one), *columns, ", ".join(one.limits))
    console.print(table)
    console.print(_counts(listings), soft_wrap=True)


def _head(one: Listing) -> str:
    home = {"built in": "", "own": "\nof this project", "connection": "\ndescribed by a connection"}[one.home]
    return f"{one.name}\n{one.title}" + (f"\n{one.version}" if one.version else "") + home


def _counts(listings: list[Listing]) -> str:
    there = [cell for one in listings for cell in one.cells if cell.carried]
    seen = sum(cell.proof == "seen" for cell in there)
    unverified = sum(len(one.unverified) for one in listings)
    uncovered = sum(len(one.uncovered) for one in listings)
    counts = f"{seen} seen on a real account, {unverified} not verified, {uncovered} without a spec"
    return f"{len(listings)} connectors, {len(there)} entities: {counts}"


def show_one(one: Listing, console: Console) -> None:
    """All that is known of one connector."""
    console.print(f"[bold]{one.name}[/]: {one.title}" + (f", {one.version}" if one.version else ""), highlight=False)
    for cell in one.cells:
        _print_part(cell.entity, [f"{name}: {text}" for name, text in _told(cell) if text], console)
    for name, lines in _parts(one):
        _print_part(name, lines, console)


def _print_part(name: str, lines: list[str], console: Console) -> None:
    console.print(f"[bold]{name}[/]")
    for line in lines:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _told(cell: Cell) -> list[tuple[str, str]]:
    refused = {way: f"no: {text}" for way, text in cell.refused.items()}
    proof = [("spec", cell.spec or "none"), ("verified", cell.verified or "no")] if cell.carried else []
    return [
        ("pull", refused.get("pull") or pull_of(cell)),
        ("push", refused.get("push") or push_of(cell)),
        ("look-ups", "; ".join(cell.lookups)),
        *proof,
        ("caveats", " ".join(cell.caveats)),
    ]


def pull_of(cell: Cell) -> str:
    """How ``cell`` is pulled, in words: the walk, its pages, what it follows and is asked for by."""
    if cell.pull is None:
        return "no"
    stamps = [f"{name}: {stamp or 'its clock'}" if len(cell.walks) > 1 else f"by {stamp or 'its clock'}"
              for name, stamp in cell.walks.items()]  # fmt: skip
    scope = [f"per {name}" for name in cell.scope]
    return "; ".join([cell.pull, cell.pages or "", *stamps, *scope])


def push_of(cell: Cell) -> str:
    """How ``cell`` is pushed, in words: its requests and their size."""
    return "; ".join([", ".join(cell.push), f"{cell.batch} a request"]) if cell.push else "no"


def _parts(one: Listing) -> list[tuple[str, list[str]]]:
    """Heading and lines of what is no table; what says nothing is left out."""
    optional = [f"{name}, optional" + (f", {value} unless said" if value is not None else "")
                for name, value in one.optional_settings.items()]  # fmt: skip
    parts = [
        ("described after", [one.docs]),
        ("signs in by", [] if one.auth == ["none"] else one.auth),
        ("credentials", [one.credentials] if one.credentials else []),
        ("secrets", one.secrets + [f"{name}, optional" for name in one.optional_secrets]),
        ("settings", one.settings + optional),
        ("limits", one.limits),
        ("caveats", one.caveats),
    ]
    return [(name, lines) for name, lines in parts if lines]


def _yes(there: object) -> str:
    return "yes" if there else "no"
