"""The command that says that a connection with another address is the same account."""

import click

from pullpush_dagster.config import Project
from pullpush_dagster.store import Store
from pullpush_dagster.telling import print_json, told
from pullpush_dagster.transport.moving import move


@click.command()
@click.argument("connection")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@told
def moved(connection: str, as_json: bool) -> None:
    """Say that CONNECTION is the same account as ever, at the address that its file has now."""
    project = Project.find()
    with Store.of(project.state).session() as con:
        was, now = move(con, project.connection(connection), project.connector(connection))
    if as_json:
        print_json({"connection": connection, "was": was, "is": now})
    else:
        before = "as it was" if was == now else "it was never used" if was is None else f"it was at {was}"
        click.echo(f"{connection} is at {now} now; {before}")
