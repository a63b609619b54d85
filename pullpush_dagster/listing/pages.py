"""Connectors as pages of the documentation: one each, an overview, and the table in the README."""

import re
from collections.abc import Iterator
from pathlib import Path

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.listing.facts import Cell, Listing
from pullpush_dagster.listing.tables import pull_of, push_of

_SCHEME = re.compile(r"https?://")
_TABLE = re.compile(r"(?<=<!-- platforms: all -->\n)(?:\|.*\n)+")


def pages(listings: list[Listing]) -> dict[str, str]:
    """File name -> text of every page about ``listings``."""
    return {"README.md": _overview(listings), **{f"{one.name}.md": _page(one) for one in listings}}


def write(listings: list[Listing], folder: Path, readme: Path) -> None:
    """Write the pages into ``folder``, without those of connectors that are gone, and renew the table in ``readme``."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = pages(listings)
    for old in folder.glob("*.md"):
        if old.name not in texts:
            old.unlink()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    readme.write_text(with_table(readme.read_text(encoding="utf-8"), listings), encoding="utf-8")


def with_table(text: str, listings: list[Listing]) -> str:
    """``text`` of a README with the table under ``<!-- platforms: all -->`` as it has to be."""
    table = matrix(listings, "docs/connectors/")
    return _TABLE.sub(lambda _: table, text)


def matrix(listings: list[Listing], folder: str) -> str:
    """A table of platforms by entities. A connector without entities, which a connection describes, is left out."""
    lines = [_row("platform", *ENTITIES), "|---" * (1 + len(ENTITIES)) + "|"]
    for one in listings:
        cells = {cell.entity: cell for cell in one.cells}
        if cells:
            lines.append(_row(f"[{one.title}]({folder}{one.name}.md)", *(_ways(cells.get(name)) for name in ENTITIES)))
    return "\n".join(lines) + "\n"


def _ways(cell: Cell | None) -> str:
    ways = [name for name, there in (("pull", cell and cell.pull), ("push", cell and cell.push)) if there]
    return ", ".join(ways) or "—"


def _overview(listings: list[Listing]) -> str:
    return f"""# Connectors

Written by `make connector-docs` from the connector files. `pullpush connectors` shows the same, with the project's own.

{matrix(listings, "")}
A pull is a `cursor` walk where the platform filters by a modified stamp and keeps its records in an order that edits
do not change; a `window` where it filters but has no such order, so a pull drains what was there when it began; `full`
where it cannot filter, so each pull reads everything.

Spec: what the vendor publishes that requests are checked against. Verified: where the facts were seen, or what they
were held against; "no" means that they are from memory or inferred, so try them on a test account first.
"""


def _page(one: Listing) -> str:
    parts = [f"# {one.title}", "Written by `make connector-docs` from the connector file.", *_head(one)]
    if one.cells:
        parts += ["## What it can do", _table(one)]
        parts += _section("It cannot", _refusals(one))
        others = [name for name in ENTITIES if name not in {cell.entity for cell in one.cells}]
        parts += [f"Nothing is said of: {', '.join(others)}."] if others else []
    parts += _section("Credentials", _credentials(one))
    parts += _section("Settings", _settings(one))
    parts += _section("Limits", one.limits)
    caveats = one.caveats + [f"{cell.entity}: {text}" for cell in one.cells for text in cell.caveats]
    parts += _section("Caveats", caveats)
    # Without its scheme an address is no link: these pages lead to no other machine.
    return _SCHEME.sub("", "\n\n".join(parts)) + "\n"


def _head(one: Listing) -> Iterator[str]:
    yield f"`connector: {one.name}`" + (f", API version {one.version}" if one.version else "") + "."
    yield f"Described after: {one.docs.rstrip('.')}."


def _table(one: Listing) -> str:
    lines = [_row("entity", "pull", "push", "look-ups", "spec", "verified"), "|---" * 6 + "|"]
    for cell in one.cells:
        proof = (cell.spec or "none", cell.verified or "no") if cell.carried else ("—", "—")
        lines.append(_row(cell.entity, pull_of(cell), push_of(cell), "; ".join(cell.lookups) or "—", *proof))
    return "\n".join(lines)


def _refusals(one: Listing) -> Iterator[str]:
    """Why what cannot be; the same reason for both ways is told once."""
    for cell in one.cells:
        for text in dict.fromkeys(cell.refused.values()):
            ways = " or ".join(way for way, said in cell.refused.items() if said == text)
            yield f"{ways} {cell.entity}: {text}"


def _credentials(one: Listing) -> Iterator[str]:
    if one.credentials:
        yield one.credentials
    if one.auth != ["none"]:
        yield f"It signs in by {' or, '.join(one.auth)}."
    if one.secrets or one.optional_secrets:
        names = [f"`{name}`" for name in one.secrets] + [f"`{name}` (optional)" for name in one.optional_secrets]
        yield f"Secrets: {', '.join(names)}."


def _settings(one: Listing) -> Iterator[str]:
    yield from (f"`{name}`" for name in one.settings)
    for name, value in one.optional_settings.items():
        yield f"`{name}`, optional" + (f"; `{value}` unless said" if value is not None else "")


def _section(title: str, lines: Iterator[str] | list[str]) -> list[str]:
    """A heading and its points; nothing where there are none."""
    points = "\n".join(f"- {line}" for line in lines)
    return [f"## {title}", points] if points else []


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
