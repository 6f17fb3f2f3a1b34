"""BentoML's time limit with our guard: no timer keeps an answered request in memory."""

import subprocess
import sys

from tests.servers import ROOT

SCENE = """
import asyncio, sys
from bentoml._internal.server.http.traffic import TimeoutMiddleware
from runners import bento_guards
if "guarded" in sys.argv:
    bento_guards.let_requests_go()

async def app(scope, receive, send):
    await send({"type": "http.response.start"})

async def send(message): ...

async def main():
    await TimeoutMiddleware(app, 3600)({"type": "http"}, None, send)
    # A timer holds the context in which it was set, and that holds the request.
    print(len(asyncio.get_running_loop()._scheduled))

asyncio.run(main())
"""


def outcome(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCENE, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_an_answered_request_leaves_no_timer() -> None:
    assert outcome("guarded") == "0"


def test_bentoml_still_needs_the_guard() -> None:
    assert outcome() == "1"
