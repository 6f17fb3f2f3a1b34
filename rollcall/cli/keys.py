"""`rollcall keys`: API keys and their entries in API_KEYS. Needs neither settings nor a database."""

import argparse
import json
from typing import Any

from rollcall.core.api_keys import NAME, ApiKey, Role, digest_of, new_key


def add_command(commands: Any) -> None:
    command = commands.add_parser(
        "keys",
        help="make API keys",
        description="A key is 256 random bits. The server is given its hash alone, in API_KEYS; the key "
        "itself is shown once, and kept nowhere.",
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    create = actions.add_parser("create", help="make a key, and its entry for API_KEYS")
    create.add_argument(
        "name",
        metavar="NAME",
        type=_name,
        help="whose key it is, for logs; 1 to 40 of a-z, 0-9, dot, dash and underscore",
    )
    create.add_argument(
        "--role",
        choices=[role.value for role in Role],
        default=Role.KIOSK.value,
        help="kiosk (the default): recognise, scan, verify, check quality, give feedback; admin: everything",
    )
    create.add_argument("--json", action="store_true", help="for programs")


def run(options: argparse.Namespace) -> int:
    """Print a new key, and the entry that lets the server know it."""
    key = new_key()
    made = ApiKey(name=options.name, role=Role(options.role), digest=digest_of(key))
    if options.json:
        print(json.dumps({"name": made.name, "role": made.role, "key": key, "entry": made.entry}))
        return 0
    print("The key, for the caller to send as X-API-Key. It is shown this once:\n")
    print(f"  {key}\n")
    print("The entry, for the server's API_KEYS; a comma separates several:\n")
    print(f"  {made.entry}")
    return 0


def _name(text: str) -> str:
    if not NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("1 to 40 of a-z, 0-9, dot, dash and underscore")
    return text
