"""`rollcall settings`: what all replicas share, in place of each one's environment."""

import argparse
from collections.abc import Iterator
from typing import Any

from db.engine import SqlDatabase
from rollcall.cli.patient_database import patient_database
from rollcall.core.audit import Action
from rollcall.core.errors import InvalidRequest
from rollcall.core.settings import Settings
from rollcall.core.shared_settings import FOR_OPERATORS, SharedSettings, valid_shared


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "settings",
        help="settings that all servers of one database share",
        description="Settings kept in the database override the environment of every server that uses it. "
        "Running servers take them into use within seconds, without a restart.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="show each, and where it comes from").set_defaults(run=run, work=_list)
    change = actions.add_parser("set", help="share a value")
    change.add_argument("name", metavar="NAME", type=str.lower, help=" or ".join(FOR_OPERATORS))
    change.add_argument("value", metavar="VALUE")
    change.set_defaults(run=run, work=_set)
    remove = actions.add_parser("unset", help="let each server's environment count again")
    remove.add_argument("name", metavar="NAME", type=str.lower, choices=FOR_OPERATORS)
    remove.set_defaults(run=run, work=_unset)


async def run(options: argparse.Namespace, settings: Settings) -> int:
    """Do what was asked.

    Raises:
        InvalidRequest: no such setting is shared, or the value is wrong.
        DatabaseError: as it says; or a SQLite file that does not exist.
    """
    with patient_database(settings) as database:
        options.work(database, options, settings)
    return 0


def _list(database: SqlDatabase, _options: argparse.Namespace, settings: Settings) -> None:
    with database.transaction() as records:
        shared = records.settings.all()
    print("\n".join(lines(shared, settings)))


def _set(database: SqlDatabase, options: argparse.Namespace, _settings: Settings) -> None:
    if options.name == "insightface_model":
        raise InvalidRequest("`rollcall models switch` changes the model, without losing anybody.")
    value = str(valid_shared(options.name, options.value))
    if options.name not in FOR_OPERATORS:
        raise InvalidRequest(f"{options.name} is not to be set by hand.")
    with database.transaction() as records:
        records.settings.put(options.name, value)
        records.audit.add(Action.SETTING_CHANGED, name=options.name, value=value)
    print(f"{options.name} is {value} for all servers of this database.")


def _unset(database: SqlDatabase, options: argparse.Namespace, _settings: Settings) -> None:
    with database.transaction() as records:
        removed = records.settings.remove(options.name)
        if removed:
            records.audit.add(Action.SETTING_CHANGED, name=options.name, value=None)
    print(f"{options.name} {'is no longer' if removed else 'was not'} shared; the environment counts.")


def lines(shared: SharedSettings, settings: Settings) -> Iterator[str]:
    """One a setting: its name, its value, and whether that is shared, the environment's or the default."""
    for name in FOR_OPERATORS:
        value, source = getattr(shared, name), "shared"
        if value is None:
            value = getattr(settings, name)
            source = "environment" if name in settings.model_fields_set else "default"
        yield f"{name:<24}{'unset' if value is None else value:<12}{source}"
