"""`bin/rollcall COMMAND ...`"""

import argparse
import asyncio
import os
import pwd
import socket
import sys
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from rollcall.cli import (
    audit,
    backup,
    compare,
    erase,
    evaluate,
    feedback,
    import_people,
    keys,
    migrate,
    migrate_legacy,
    models,
    settings,
)
from rollcall.cli.breaking_off import broken_off_by_signals
from rollcall.core.callers import Caller, caller
from rollcall.core.errors import RollcallError
from rollcall.core.settings import WrongSettings, load_settings
from rollcall.telemetry.logs import configure_command_logs

_ALL_OR_NOTHING: Final = ("backup", "erase")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="rollcall", description="Works on the same settings and database as the server."
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND", dest="command")
    import_people.add_command(commands)
    evaluate.add_command(commands)
    compare.add_command(commands)
    feedback.add_command(commands)
    migrate.add_command(commands)
    migrate_legacy.add_command(commands)
    settings.add_command(commands)
    models.add_command(commands)
    backup.add_command(commands)
    erase.add_command(commands)
    keys.add_command(commands)
    audit.add_command(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 if something failed, or 128 and a signal's number."""
    options = parser().parse_args(arguments)
    if options.command == "keys":
        # It makes what the settings lack, so it must not need them.
        return keys.run(options)
    with broken_off_by_signals() as signals:
        try:
            loaded = load_settings()
            configure_command_logs(loaded.log_level)
            caller.set(_whoever_calls())
            status: int = asyncio.run(options.run(options, loaded))
        except (WrongSettings, RollcallError, KeyboardInterrupt) as error:
            if not signals:
                print(error, file=sys.stderr)
                return 1
            undone = "; nothing was changed" if options.command in _ALL_OR_NOTHING else ""
            print(f"Broken off{undone}.", file=sys.stderr)
            return 128 + signals[0]
    return status


def _whoever_calls() -> Caller:
    """The system's user, the host's name, and an id that all entries of one command have."""
    try:
        user = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        user = str(os.getuid())  # in a container
    return Caller(name=f"command line, {user}", address=socket.gethostname(), request_id=uuid4().hex)


if __name__ == "__main__":
    sys.exit(main())
