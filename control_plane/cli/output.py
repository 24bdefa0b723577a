"""How commands print data: a table for people, JSON for programs."""

import json as _json
from collections.abc import Mapping

import typer


def print_json(data: object) -> None:
    """Print ``data`` as one indented JSON document."""
    typer.echo(_json.dumps(data, indent=2))


def print_facts(facts: Mapping[str, object], *, json: bool) -> None:
    """Print one object's fields, as JSON or a line each; empty ones only in JSON."""
    if json:
        print_json(dict(facts))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for key, value in facts.items():
        if value not in ("", None):
            table.add_row(key, str(value))
    Console().print(table)
