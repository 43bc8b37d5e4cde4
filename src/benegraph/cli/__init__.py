"""The command line: the options and help texts of all commands.

Each command imports its implementation only when it is called, so that `--help` is fast.
"""

from pathlib import Path
from typing import Annotated

import typer

from benegraph.exchange import CensusFormat, FileFormat

app = typer.Typer(
    help="benegraph: a benefits-enrollment GraphQL gateway.",
    no_args_is_help=True,
    rich_markup_mode=None,  # with Rich, `--help` would take twice as long
    pretty_exceptions_enable=False,  # they print local variables, which may be keys, URLs or personal data
)
keys = typer.Typer(help="Issue, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")
encryption = typer.Typer(
    help="Generate and rotate the keys that encrypt social security numbers.", no_args_is_help=True
)
app.add_typer(encryption, name="encryption-keys")
documents = typer.Typer(help="Load, list and remove trusted documents.", no_args_is_help=True)
app.add_typer(documents, name="documents")
explorers = typer.Typer(
    help="Build the pages, such as GraphiQL, that the gateway serves to browsers.", no_args_is_help=True
)
app.add_typer(explorers, name="explorer")
imports = typer.Typer(help="Import files of other systems.", no_args_is_help=True)
app.add_typer(imports, name="import")
exports = typer.Typer(help="Export files for other systems.", no_args_is_help=True)
app.add_typer(exports, name="export")

DataDir = Annotated[
    Path | None,
    typer.Option(file_okay=False, help="Data directory of the embedded PostgreSQL, used if DATABASE_URL is not set."),
]
Tenant = Annotated[str, typer.Option(help="Tenant ID, as in the header X-Tenant.")]
Format = Annotated[
    FileFormat | None, typer.Option("--format", help="File format; by default it follows from the file name.")
]


def _print_version(*, requested: bool) -> None:
    from importlib.metadata import version

    if requested:
        typer.echo(f"benegraph {version('benegraph')}")
        raise typer.Exit


@app.callback()
def main(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Accept the options that precede the command."""


@app.command()
def serve(
    *,
    demo: Annotated[bool, typer.Option("--demo", help="Serve sample data from a database of its own.")] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on [BENEGRAPH_HOST, else 127.0.0.1].")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; 0 for any free port [BENEGRAPH_PORT, else 8000]."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Number of worker processes [BENEGRAPH_WORKERS, else 1].")
    ] = None,
    data_dir: Annotated[
        Path | None,
        typer.Option(
            file_okay=False,
            help="Data directory of the embedded PostgreSQL, used with --demo, or if DATABASE_URL is not set.",
        ),
    ] = None,
    today: Annotated[
        str | None, typer.Option(metavar="DATE", help="Date that the demo uses as today (YYYY-MM-DD).")
    ] = None,
) -> None:
    """Serve the GraphQL API, with the database at DATABASE_URL or with an embedded PostgreSQL."""
    from benegraph.cli.status import show_status

    with show_status("Starting"):
        from benegraph.cli import serving

    serving.serve(demo=demo, host=host, port=port, workers=workers, data_dir=data_dir, today=today)


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Migrate the database to the latest revision, as its owner: MIGRATION_DATABASE_URL, else DATABASE_URL."""
    from benegraph.cli import databases

    databases.migrate(data_dir)


@app.command()
def seed(
    *,
    employees: Annotated[int, typer.Option(min=1, help="Number of employees to generate.")] = 1000,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed generates the same employees.")] = 1,
    tenant: Tenant = "seed",
    data_dir: DataDir = None,
) -> None:
    """Fill a tenant with generated employees and their enrollments."""
    from benegraph.cli import seeding

    seeding.seed(employees, seed, tenant, data_dir)


@app.command()
def export_schema(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", dir_okay=False, help="Output file; standard output by default.")
    ] = None,
) -> None:
    """Print the GraphQL schema in the schema definition language (SDL)."""
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
    employer: Annotated[str | None, typer.Option(metavar="ID", help="Employer that the key is limited to.")] = None,
    employee: Annotated[str | None, typer.Option(metavar="ID", help="Employee that the key is limited to.")] = None,
    action: Annotated[
        list[str] | None, typer.Option(help="Mutation that a service's key may call; can be given more than once.")
    ] = None,
    label: Annotated[str, typer.Option(help="Purpose of the key, shown by `keys list`.")] = "",
    expires: Annotated[
        int | None, typer.Option(min=1, metavar="DAYS", help="Number of days until the key expires.")
    ] = None,
    create_tenant: Annotated[
        str | None, typer.Option(metavar="NAME", help="Create the tenant with this name if it does not exist.")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Issue an API key and print it. It is shown only once, because only its hash is stored."""
    from benegraph.cli import api_keys

    limits = api_keys.parse_limits(role, employer, employee, action or [])
    api_keys.issue(tenant, limits, label, expires, create_tenant, data_dir)


@keys.command("list")
def list_keys(*, tenant: Tenant, data_dir: DataDir = None) -> None:
    """List a tenant's API keys, each with its prefix only."""
    from benegraph.cli import api_keys

    api_keys.list_keys(tenant, data_dir)


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="ID of the key, as shown by `keys list`: akey_…")],
    *,
    tenant: Tenant,
    data_dir: DataDir = None,
) -> None:
    """Revoke an API key immediately. This cannot be undone."""
    from benegraph.cli import api_keys

    api_keys.revoke(tenant, key_id, data_dir)


@encryption.command("generate")
def generate_encryption_key() -> None:
    """Print a new encryption key for BENEGRAPH_ENCRYPTION_KEY. It is stored nowhere."""
    from benegraph.cli import encryption_keys

    encryption_keys.generate()


@encryption.command("rotate")
def rotate_encryption_keys(*, tenant: Tenant, data_dir: DataDir = None) -> None:
    """Encrypt all values of a tenant with the first key. It can be interrupted and run again, beside a gateway."""
    from benegraph.cli import encryption_keys

    encryption_keys.rotate(tenant, data_dir)


@documents.command("load")
def load_documents(
    manifests: Annotated[
        list[Path],
        typer.Argument(
            metavar="MANIFEST…",
            exists=True,
            dir_okay=False,
            help="JSON manifest of relay-compiler, graphql-codegen or Apollo's tools.",
        ),
    ],
    *,
    instead: Annotated[
        bool, typer.Option("--instead", help="Replace all trusted documents with those of the manifests.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Trust all documents of the manifests. If one document is invalid, none is loaded."""
    from benegraph.cli import trusted_documents

    trusted_documents.load(manifests, data_dir, replace=instead)


@documents.command("list")
def list_documents(*, data_dir: DataDir = None) -> None:
    """List the trusted documents."""
    from benegraph.cli import trusted_documents

    trusted_documents.list_documents(data_dir)


@documents.command("remove")
def remove_documents(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="IDs of the documents, as listed.")],
    *,
    data_dir: DataDir = None,
) -> None:
    """Remove documents from the trusted documents."""
    from benegraph.cli import trusted_documents

    trusted_documents.remove(ids, data_dir)


@explorers.command("build")
def build_explorer(
    directory: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", file_okay=False, help="Target directory; the user's cache by default."),
    ] = None,
) -> None:
    """Bundle the pages from the npm registry before the first `serve`, which otherwise does it."""
    from benegraph.cli import explorer

    explorer.build(directory)


@imports.command("coverage")
def import_coverage(
    file: Annotated[Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A .csv or .jsonl file.")],
    *,
    tenant: Tenant,
    file_format: Format = None,
    data_dir: DataDir = None,
) -> None:
    """Create or update coverage of record from a file; refused rows are reported by line.

    Rows are imported in batches of 1,000; each batch is one transaction.
    An interrupted import can be run again: rows already imported are left unchanged.
    Exit codes: 0 if every row was imported; 1 if a row was refused;
    2 if the file does not have the columns of coverage, in which case nothing is written.
    """
    from benegraph.cli import coverage_files

    coverage_files.import_coverage(file, file_format, tenant, data_dir)


@imports.command("census")
def import_census(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A .csv, .xlsx or .jsonl file.")
    ],
    *,
    employer: Annotated[str, typer.Option(metavar="ID", help="Employer whose people the file lists.")],
    tenant: Tenant,
    mapping: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="TOML or JSON file that maps the file's columns and words."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what the import would do.")] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Terminate employees who are missing in the file, as of --terminated-on.")
    ] = False,
    terminated_on: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="First day without employment of those missing in the file (YYYY-MM-DD)."),
    ] = None,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Accept a file that terminates more than 5 % of the employees.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(dir_okay=False, help="CSV file to write with the outcome of each row.")
    ] = None,
    file_format: Annotated[
        CensusFormat | None,
        typer.Option("--format", help="File format; by default it follows from the file name."),
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Hire, change and terminate people from a file; refused rows are reported by line.

    A preview of the whole file is shown before anything is written.
    People are imported in batches of 200; each batch is one transaction.
    An interrupted import can be run again: people already imported are left unchanged.
    Exit codes: 0 if every row was accepted; 1 if a row was refused, or too many people would be terminated;
    2 if the options, the mapping or the file's columns are wrong, in which case nothing is written.
    """
    from benegraph.cli import census_files

    census_files.import_census(
        file,
        census_files.CensusOptions(
            employer, tenant, mapping, dry_run, full, terminated_on, confirm, report, file_format
        ),
        data_dir,
    )


@exports.command("coverage")
def export_coverage(
    *,
    tenant: Tenant,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", dir_okay=False, help="Output file, .csv or .jsonl; CSV on standard output by default."
        ),
    ] = None,
    file_format: Format = None,
    data_dir: DataDir = None,
) -> None:
    """Export all coverage of record as of one instant, ordered by key, in the format that `import coverage` reads."""
    from benegraph.cli import coverage_files

    coverage_files.export_coverage(output, file_format, tenant, data_dir)
