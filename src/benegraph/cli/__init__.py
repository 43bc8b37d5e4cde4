"""The command line: what each command takes. What it does stands beside, and is imported when it is called."""

from pathlib import Path
from typing import Annotated

import typer

from benegraph.exchange import FileFormat

app = typer.Typer(
    help="benegraph: a benefits-enrollment GraphQL gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # they print local variables: keys, URLs, people
)
keys = typer.Typer(help="Issue, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")
documents = typer.Typer(help="Load, list and remove the documents that are trusted.", no_args_is_help=True)
app.add_typer(documents, name="documents")
explorers = typer.Typer(help="Make the explorer that the gateway shows to browsers.", no_args_is_help=True)
app.add_typer(explorers, name="explorer")
imports = typer.Typer(help="Take in files of another system.", no_args_is_help=True)
app.add_typer(imports, name="import")
exports = typer.Typer(help="Write files for another system.", no_args_is_help=True)
app.add_typer(exports, name="export")

DataDir = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Where the embedded PostgreSQL keeps its data, where there is no DATABASE_URL."),
]
Tenant = Annotated[str, typer.Option(help="The tenant's id, as X-Tenant names it.")]
Format = Annotated[
    FileFormat | None, typer.Option("--format", help="How the file is written, where its name doesn't say.")
]


@app.command()
def serve(
    *,
    demo: Annotated[
        bool, typer.Option("--demo", help="Serve made-up people from a database of the demo's own.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="The address to listen on [BENEGRAPH_HOST, else 127.0.0.1].")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port [BENEGRAPH_PORT, else 8000]; 0 for any free one.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many processes answer [BENEGRAPH_WORKERS, else 1].")
    ] = None,
    data_dir: DataDir = None,
    today: Annotated[
        str | None, typer.Option(metavar="DATE", help="What day it is, for the demo and its data (YYYY-MM-DD).")
    ] = None,
) -> None:
    """Serve the graph, over DATABASE_URL or over an embedded PostgreSQL that starts by itself."""
    from benegraph.cli import serving

    serving.serve(demo=demo, host=host, port=port, workers=workers, data_dir=data_dir, today=today)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to the newest revision, as its owner: MIGRATION_DATABASE_URL, else DATABASE_URL."""
    from benegraph.cli import databases

    databases.migrate(data_dir)


@app.command()
def seed(
    *,
    employees: Annotated[int, typer.Option(min=1, help="How many employees to make.")] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
    tenant: Tenant = "seed",
    data_dir: DataDir = None,
) -> None:
    """Fill a tenant with made-up people and their enrollments."""
    from benegraph.cli import seeding

    seeding.seed(employees, seed, tenant, data_dir)


@app.command()
def export_schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="A file, else standard output.")
    ] = None,
) -> None:
    """Write the schema in GraphQL's own language."""
    from benegraph.graphql.schema import print_sdl

    if output is None:
        typer.echo(print_sdl(), nl=False)
    else:
        output.write_text(print_sdl(), encoding="utf-8")


@keys.command("issue")
def issue_key(
    *,
    tenant: Tenant,
    role: Annotated[str, typer.Option(help="administrator, employer, employee or service.")],
    employer: Annotated[str | None, typer.Option(metavar="ID", help="The employer the key is limited to.")] = None,
    employee: Annotated[str | None, typer.Option(metavar="ID", help="The employee the key is limited to.")] = None,
    action: Annotated[
        list[str] | None, typer.Option(help="A mutation that a service's key may call; may be given again.")
    ] = None,
    label: Annotated[str, typer.Option(help="What the key is for, as lists show it.")] = "",
    expires: Annotated[int | None, typer.Option(min=1, metavar="DAYS", help="In how many days it ends.")] = None,
    create_tenant: Annotated[str | None, typer.Option(metavar="NAME", help="Make the tenant, if it is new.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Issue a key, and write it to standard output: it is shown this once and never stored."""
    from benegraph.cli import api_keys as keyring

    scope = keyring.scope_of(role, employer, employee, action or [])
    keyring.issue(tenant, scope, label, expires, create_tenant, data_dir)


@keys.command("list")
def list_keys(*, tenant: Tenant, data_dir: DataDir = None) -> None:
    """List a tenant's keys, by what may be shown of them."""
    from benegraph.cli import api_keys as keyring

    keyring.show(tenant, data_dir)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as issued or listed: akey_…")],
    *,
    tenant: Tenant,
    data_dir: DataDir = None,
) -> None:
    """Revoke a key, at once and for good."""
    from benegraph.cli import api_keys as keyring

    keyring.revoke(tenant, key_id, data_dir)


@documents.command("load")
def load_documents(
    manifests: Annotated[
        list[Path],
        typer.Argument(
            metavar="MANIFEST…",
            exists=True,
            dir_okay=False,
            help="JSON as relay-compiler, graphql-codegen or Apollo's tools write it.",
        ),
    ],
    *,
    instead: Annotated[bool, typer.Option("--instead", help="Trust these instead of all that were before.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Trust the documents of manifests; all of them or, where one is not valid, none."""
    from benegraph.cli import trusted_documents as trusted

    trusted.load(manifests, data_dir, instead=instead)


@documents.command("list")
def list_documents(*, data_dir: DataDir = None) -> None:
    """List the documents that are trusted."""
    from benegraph.cli import trusted_documents as manifests

    manifests.show(data_dir)


@documents.command("remove")
def remove_documents(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="The documents' ids, as listed.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Trust documents no more."""
    from benegraph.cli import trusted_documents as manifests

    manifests.remove(ids, data_dir)


@explorers.command("build")
def build_explorer(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", file_okay=False, help="Where to put it; else it is kept in the user's cache."),
    ] = None,
) -> None:
    """Bundle GraphiQL from the npm registry, ahead of the first `serve`."""
    from benegraph.cli import explorer

    explorer.build(directory)


@imports.command("coverage")
def import_coverage(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A .csv or .jsonl file.")],
    *,
    tenant: Tenant,
    form: Format = None,
    data_dir: DataDir = None,
) -> None:
    """Create or update coverage of record from a file, row by row; what is refused is told by its line.

    Rows are taken in 1,000 at a time, each thousand as a whole.
    An import that was cut short can be called again: it changes nothing twice.
    Ends with 0; with 1 where a row was refused; with 2, and nothing written,
    where the file has other columns than coverage.
    """
    from benegraph.cli import coverage_files as files

    files.import_coverage(file, form, tenant, data_dir)


@exports.command("coverage")
def export_coverage(
    *,
    tenant: Tenant,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="A .csv or .jsonl file, else standard output.")
    ] = None,
    form: Format = None,
    data_dir: DataDir = None,
) -> None:
    """Write all coverage of record as `import coverage` reads it, in order of its key and as of one moment."""
    from benegraph.cli import coverage_files as files

    files.export_coverage(output, form, tenant, data_dir)
