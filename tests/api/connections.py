"""Callers below HTTP's clients: who send slowly, in pieces, or not at all."""

import socket
from collections.abc import Iterator
from contextlib import suppress

import httpx

from tests.packs import picture

DETECT = "/api/face/detect"
LIMIT = 60.0  # seconds; generous
MEGABYTE = 1024 * 1024


def detect(api: httpx.Client) -> httpx.Response:
    return api.post(DETECT, files={"image": picture(1)})


def slow(api: httpx.Client, address: str = "127.0.0.1") -> socket.socket:
    """A caller who has sent one byte of its body."""
    caller = connect(api, address)
    caller.sendall(head(api, DETECT, "Content-Length: 100000") + b"{")
    return caller


def connect(api: httpx.Client, address: str = "127.0.0.1") -> socket.socket:
    assert api.base_url.port is not None
    server = (api.base_url.host, api.base_url.port)
    connection = socket.create_connection(server, timeout=LIMIT, source_address=(address, 0))
    connection.settimeout(LIMIT)
    return connection


def head(api: httpx.Client, path: str, *headers: str) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {api.base_url.host}",
        "Content-Type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_of(connection: socket.socket) -> bytes:
    """What comes until the server closes."""
    received = b""
    with suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def error_on(connection: socket.socket) -> bytes:
    """One error's answer, whether the server closes after it or not."""
    received = b""
    while not received.endswith(b"}}"):
        chunk = connection.recv(65536)
        assert chunk, received
        received += chunk
    return received


def sent_until_closed(connection: socket.socket, chunks: Iterator[bytes]) -> int:
    """How many bytes could be sent before the server closed."""
    sent = 0
    with suppress(BrokenPipeError, ConnectionResetError):
        for chunk in chunks:
            connection.sendall(chunk)
            sent += len(chunk)
    return sent
