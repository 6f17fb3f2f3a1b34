"""The load generator: `python -m bench.load PORT PATH CALLERS SECONDS WARM_UP [EVERY] < picture.jpg`.

A process of its own on the standard library alone, because it takes its time from the same cores as the
server: one request, built once as bytes, sent again and again over kept connections. It says `begun` when the
warm-up is over, and prints the result as JSON. Any answer but 200 makes it fail. With EVERY, each caller lets
so many seconds pass from one request to the next, instead of asking again at once.
"""

import asyncio
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from bench.values import LoadRun, percentile

ANSWER_LIMIT_SECONDS = 60.0
MAX_REQUESTS = 1_000_000
_BOUNDARY = b"rollcall-bench-boundary"


def request_bytes(port: int, path: str, picture: bytes) -> bytes:
    """A whole HTTP/1.1 request: a form with the picture in the field `image`."""
    form = (
        b"--%b\r\n"
        b'Content-Disposition: form-data; name="image"; filename="camera.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n%b\r\n--%b--\r\n" % (_BOUNDARY, picture, _BOUNDARY)
    )
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAccept: application/json\r\n"
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY.decode()}\r\n"
        f"Content-Length: {len(form)}\r\n\r\n"
    )
    return head.encode() + form


@dataclass(slots=True)
class Tally:
    """What came back, and when. Counts from the end of the warm-up on."""

    begin: float
    end: float
    least: int
    statuses: Counter[str] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)
    finished: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the time is up. A slow server gets longer, so that every caller has one answer."""
        failed = self.statuses.total() - self.statuses["200"]
        enough = len(self.latencies) >= self.least and time.perf_counter() >= self.end
        return bool(failed) or enough or len(self.latencies) >= MAX_REQUESTS

    @property
    def seconds(self) -> float:
        full = len(self.latencies) >= MAX_REQUESTS
        return (self.finished if full else max(self.end, self.finished)) - self.begin

    def note(self, status: str, sent: float) -> None:
        now = time.perf_counter()
        if self.over or (status == "200" and now < self.begin):
            return
        self.statuses[status] += 1
        self.latencies.append(now - sent)
        self.finished = now


async def _answer(reader: asyncio.StreamReader) -> str:
    """Read one answer; returns its status."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    lengths = [line for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    await reader.readexactly(int(lengths[0].split(b":")[1]))
    return head[9:12].decode()


async def _caller(port: int, request: bytes, tally: Tally, every: float) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        while not tally.over:
            sent = time.perf_counter()
            try:
                async with asyncio.timeout(ANSWER_LIMIT_SECONDS):
                    writer.write(request)
                    await writer.drain()
                    status = await _answer(reader)
            except (OSError, EOFError, TimeoutError, IndexError, ValueError) as error:
                status = type(error).__name__
            tally.note(status, sent)
            await asyncio.sleep(max(0.0, sent + every - time.perf_counter()))
    finally:
        writer.close()


async def _announce(tally: Tally) -> None:
    await asyncio.sleep(max(0.0, tally.begin - time.perf_counter()))
    print("begun", flush=True)


async def run(
    port: int, path: str, picture: bytes, callers: int, seconds: float, warm_up: float, every: float = 0.0
) -> Tally:
    """Load the server; the tally ends with the first answer after the time is up."""
    request = request_bytes(port, path, picture)
    begin = time.perf_counter() + warm_up
    tally = Tally(begin=begin, end=begin + seconds, least=callers)
    everyone = [_caller(port, request, tally, every) for _ in range(callers)]
    await asyncio.gather(_announce(tally), *everyone)
    return tally


def main(arguments: list[str]) -> int:
    port, path, callers = int(arguments[0]), arguments[1], int(arguments[2])
    seconds, warm_up, *every = map(float, arguments[3:])
    tally = asyncio.run(run(port, path, sys.stdin.buffer.read(), callers, seconds, warm_up, *every))
    if set(tally.statuses) != {"200"}:
        print(f"{callers} callers got answers other than 200: {dict(tally.statuses)}", file=sys.stderr)
        return 1
    latencies = sorted(1000 * latency for latency in tally.latencies)
    used = resource.getrusage(resource.RUSAGE_SELF)
    result = LoadRun(
        callers=callers,
        requests=len(latencies),
        seconds=tally.seconds,
        p50_ms=percentile(latencies, 0.50),
        p95_ms=percentile(latencies, 0.95),
        p99_ms=percentile(latencies, 0.99),
        load_cpu_seconds=used.ru_utime + used.ru_stime,
    )
    print(json.dumps(asdict(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
