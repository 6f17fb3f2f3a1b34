"""The shape of log lines. What is configured is a whole process, so each test has one of its own."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.servers import ROOT

SERVER = """
import logging, sys, threading, warnings
from rollcall.core.requests import request_id
from rollcall.telemetry.logs import configure_server_logs
configure_server_logs("INFO", "json", "api")
"""


def said(script: str, before: str = SERVER) -> str:
    """What a process says that runs this."""
    done = subprocess.run(
        [sys.executable, "-c", before + script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    return done.stderr


def lines(script: str, before: str = SERVER) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(script, before).splitlines()]


def test_a_line_is_an_object_with_the_time_the_level_the_place_and_the_request() -> None:
    [line] = lines('request_id.set("r-1"); logging.getLogger("rollcall.x").info("Read %d", 3)')
    moment = datetime.fromisoformat(line.pop("time"))
    assert moment.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=2)
    assert line == {
        "level": "INFO",
        "logger": "rollcall.x",
        "process": "api",
        "request_id": "r-1",
        "message": "Read 3",
    }


def test_a_line_of_no_request_says_so() -> None:
    [line] = lines('logging.getLogger("db.x").warning("Slow")')
    assert line["request_id"] is None


def test_a_message_of_many_lines_stays_one_line() -> None:
    [line] = lines('logging.getLogger("rollcall.x").info("one\\ntwo\\u2028three")')
    assert line["message"] == "one\ntwo\u2028three"


def test_other_packages_are_heard_from_warnings_on_whatever_handlers_they_had() -> None:
    script = """
other = logging.getLogger("other")
other.info("quiet")
other.warning("loud", extra={"picture": "secret"})
logging.getLogger("bentoml.serve").info("started")
"""
    before = """
import logging
other = logging.getLogger("other")
other.addHandler(logging.StreamHandler())
other.propagate = False
"""
    found = lines(script, before + SERVER)
    assert [(line["logger"], line["message"]) for line in found] == [
        ("other", "loud"),
        ("bentoml.serve", "started"),
    ]
    assert all("picture" not in line for line in found)


def test_the_level_counts_for_our_packages() -> None:
    script = 'logging.getLogger("runners.x").info("no"); logging.getLogger("bentoml").info("no")'
    assert said(script, SERVER.replace("INFO", "WARNING")) == ""
    [line] = lines('logging.getLogger("runners.x").debug("yes")', SERVER.replace("INFO", "DEBUG"))
    assert line["message"] == "yes"


CRASH = """
def fall():
    raise ValueError("hush-word")
try:
    fall()
except ValueError:
    logging.getLogger("rollcall.x").exception("It fell")
"""


def test_an_exception_is_its_type_and_places_and_never_its_text() -> None:
    [line] = lines(CRASH)
    assert line["message"] == "It fell"
    assert line["exception"]["type"] == "ValueError"
    assert [place.partition(" in ")[2] for place in line["exception"]["places"]] == ["<module>", "fall"]
    assert "hush-word" not in said(CRASH)


def test_a_fault_in_a_handler_is_told_without_its_text() -> None:
    script = """
from rollcall.api.errors import from_crash
try:
    raise KeyError("hush-word")
except KeyError as error:
    from_crash(error)
"""
    [line] = lines(script)
    assert (line["logger"], line["message"]) == ("rollcall.api", "Unexpected KeyError")
    assert line["exception"]["type"] == "KeyError"
    assert len(line["exception"]["places"]) == 1
    assert "hush-word" not in said(script)


def test_lines_for_people_hold_no_text_of_an_exception_either() -> None:
    told = said(CRASH, SERVER.replace('"json"', '"text"'))
    assert "ERROR rollcall.x [-] It fell: ValueError\n" in told
    assert "in fall" in told
    assert "hush-word" not in told


def test_whatever_ends_a_thread_or_the_process_is_a_line_without_its_text() -> None:
    script = """
def fall():
    raise ValueError("hush-word")
thread = threading.Thread(target=fall)
thread.start()
thread.join()
fall()
"""
    found = lines(script)
    assert [line["message"] for line in found] == ["Ended by ValueError"] * 2
    assert all(line["exception"]["type"] == "ValueError" for line in found)
    assert "hush-word" not in said(script)


def test_what_the_system_refused_is_told_in_its_own_words_alone() -> None:
    script = """
import socket
def taken_port():
    taken = socket.create_server(("127.0.0.1", 0))
    socket.create_server(taken.getsockname())
def missing_file():
    open("hush-word")
def words():
    raise OSError(2, "hush-word")
for fall in (taken_port, missing_file, words):
    thread = threading.Thread(target=fall)
    thread.start()
    thread.join()
"""
    assert [line["message"] for line in lines(script)] == [
        "Ended by OSError: Address already in use",
        "Ended by FileNotFoundError: No such file or directory",
        "Ended by FileNotFoundError",
    ]
    assert "hush-word" not in said(script)


def test_a_task_that_nobody_awaited_is_told_without_its_exceptions_text() -> None:
    script = """
import asyncio, gc
async def fall():
    raise ValueError("hush-word")
async def main():
    asyncio.create_task(fall())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    gc.collect()
asyncio.run(main())
"""
    [line] = lines(script)
    assert line["message"] == "Task exception was never retrieved"
    assert "hush-word" not in said(script)


def test_a_line_that_cannot_be_made_does_not_show_what_it_was_to_be_made_of() -> None:
    assert "hush-word" not in said('logging.getLogger("rollcall.x").info("%d", "hush-word")')


def test_warnings_are_lines() -> None:
    [line] = lines('warnings.warn("Beware", UserWarning)')
    assert (line["level"], line["logger"]) == ("WARNING", "py.warnings")
    assert "Beware" in line["message"]


def test_passwords_of_addresses_are_left_out() -> None:
    script = """
for address in ("redis://:hush-word@host/0", "mysql+pymysql://me:hush-word@host/db", "https://host/a@b",
                "redis://:hu@hush-word@host/0", "mysql+pymysql://me:hu/hush-word@host/db?a=b"):
    logging.getLogger("other").warning("Cannot reach %s", address)
"""
    assert [line["message"] for line in lines(script)] == [
        "Cannot reach redis://***@host/0",
        "Cannot reach mysql+pymysql://***@host/db",
        "Cannot reach https://host/a@b",
        "Cannot reach redis://***@host/0",
        "Cannot reach mysql+pymysql://***@host/db?a=b",
    ]


def test_a_line_is_never_longer_than_a_pipe_takes_whole() -> None:
    deep = """
def fall(depth):
    return fall(depth - 1) if depth else 1 / 0
try:
    fall(200)
except ZeroDivisionError:
    logging.getLogger("rollcall.x").exception("x" * 100_000)
"""
    assert len(said(deep).encode()) < 4096
    [line] = lines(deep)
    assert line["exception"]["places"]


@pytest.mark.parametrize("letter", ["ü", "€", "😀", "\\n", '\\"', "\\u0007"])
@pytest.mark.parametrize("shape", ["json", "text"])
def test_nor_is_one_of_letters_that_take_many_bytes(letter: str, shape: str) -> None:
    script = f"""
def fall(depth):
    return {"ü" * 100}(depth)
def {"ü" * 100}(depth):
    return fall(depth - 1) if depth else 1 / 0
try:
    fall(100)
except ZeroDivisionError:
    logging.getLogger("rollcall.x").exception("{letter}" * 3000)
"""
    told = said(script, SERVER.replace('"json"', f'"{shape}"'))
    assert len(told.encode()) < 4096
    if shape == "json":
        line = json.loads(told)
        assert line["message"].startswith(json.loads(f'"{letter}"') * 100)
        assert line["message"].endswith("…")
        assert line["exception"]["places"]


def test_a_message_that_has_room_is_whole() -> None:
    [line] = lines('logging.getLogger("rollcall.x").info("ü" * 333)')
    assert line["message"] == "ü" * 333
    [line] = lines('logging.getLogger("rollcall.x").info("x" * 2000)')
    assert line["message"] == "x" * 2000


def test_the_server_of_http_does_not_tell_the_text_of_what_failed_at_the_end() -> None:
    script = """
import asyncio, uvicorn
from contextlib import asynccontextmanager
from fastapi import FastAPI
@asynccontextmanager
async def lifespan(app):
    yield
    raise ValueError("hush-word")
class Server(uvicorn.Server):
    async def main_loop(self):
        pass
asyncio.run(Server(uvicorn.Config(FastAPI(lifespan=lifespan), port=0, log_config=None)).serve())
"""
    told = said(script)
    assert "hush-word" not in told
    assert "Traceback (most recent call last):" in [json.loads(line)["message"] for line in told.splitlines()]


def test_commands_speak_text() -> None:
    script = """
import logging
from rollcall.telemetry.logs import configure_command_logs
configure_command_logs("INFO")
logging.getLogger("rollcall.models").info("Model %s answers", "m")
"""
    assert said(script, "").endswith(" INFO rollcall.models [-] Model m answers\n")
