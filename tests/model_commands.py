"""`python -m tests.model_commands ACTION ...`: what `rollcall models` does with the files of packs."""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from rollcall.cli.model_files import add_actions
from rollcall.core.errors import RollcallError
from rollcall.core.settings import Settings, load_settings


def run(arguments: Sequence[str], settings: Settings) -> int:
    parser = argparse.ArgumentParser(prog="models")
    add_actions(parser.add_subparsers(required=True))
    options = parser.parse_args(arguments)
    status: int = asyncio.run(options.run(options, settings))
    return status


if __name__ == "__main__":
    try:
        sys.exit(run(sys.argv[1:], load_settings()))
    except RollcallError as error:
        sys.exit(error.message)
