"""`bin/rollcall COMMAND ...`"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rollcall.cli import backup, erase, evaluate, import_people, migrate, settings
from rollcall.core.errors import RollcallError
from rollcall.core.settings import WrongSettings, load_settings
from rollcall.logs import configure_logs


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="rollcall", description="Works on the same settings and database as the server."
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    import_people.add_command(commands)
    evaluate.add_command(commands)
    migrate.add_command(commands)
    settings.add_command(commands)
    backup.add_command(commands)
    erase.add_command(commands)
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, or 1 if something failed."""
    options = parser().parse_args(arguments)
    try:
        loaded = load_settings()
        configure_logs(loaded.log_level)
        status: int = asyncio.run(options.run(options, loaded))
    except (WrongSettings, RollcallError) as error:
        print(error, file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
