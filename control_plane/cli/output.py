"""How commands print data: a table for people, JSON for programs."""

import json as _json
from collections.abc import Mapping, Sequence

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


def print_rows(rows: Sequence[Mapping[str, object]], *, empty: str) -> None:
    """Print rows with the same keys as a table, or the sentence ``empty`` when there are none."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    if not rows:
        Console().print(empty)
        return
    table = Table(*rows[0], box=SIMPLE)
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)
