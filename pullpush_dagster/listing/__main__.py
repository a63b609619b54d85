"""``python -m pullpush_dagster.listing --docs docs/connectors``: the pages about the built-in connectors."""

from pathlib import Path

import click

from pullpush_dagster.listing.facts import built_in
from pullpush_dagster.listing.pages import write


@click.command()
@click.option("--docs", required=True, type=click.Path(path_type=Path, file_okay=False), help="Where the pages go.")
@click.option("--readme", default="README.md", type=click.Path(path_type=Path, exists=True), show_default=True,
              help="Whose table of platforms is renewed.")  # fmt: skip
def main(docs: Path, readme: Path) -> None:
    """Write the pages about the built-in connectors anew."""
    listings = built_in()
    write(listings, docs, readme)
    click.echo(f"{len(listings)} connectors")


if __name__ == "__main__":
    main()
