"""The command line of a bench that measures one plan and writes one file."""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from bench.packs import SHARED

P = TypeVar("P")


def run(
    module: str,
    about: str | None,
    *,
    results: Path,
    plans: tuple[P, P],
    measure: Callable[[P, Callable[[str], None]], str],
    failures: tuple[type[Exception], ...],
) -> int:
    """Measure the first of the plans, or the second where `--quick` is asked for; returns the exit status.

    `failures` are what `measure` raises when there is nothing to be written.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=about)
    parser.add_argument("--quick", action="store_true", help="a little of each only: does it run?")
    parser.add_argument("--out", type=Path, default=results, help="the file to write")
    arguments = parser.parse_args()
    if not SHARED.is_dir():
        print(f"The bench needs the models and photographs in {SHARED}.", file=sys.stderr)
        return 1
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as service.py has it for both services
    whole, quick = plans
    try:
        text = measure(quick if arguments.quick else whole, lambda line: print(line, flush=True))
    except failures as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    arguments.out.write_text(text)
    print(text)
    return 0
