"""What this machine is, as far as it matters for speed."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_tile")
_PACKAGES = ("openvino", "onnxruntime", "insightface", "bentoml", "fastapi", "uvicorn", "numpy")


def cores() -> int:
    """How many cores this process may run on."""
    return len(os.sched_getaffinity(0))


def describe() -> list[tuple[str, str]]:
    """Name and value, for a table."""
    info = _cpu_info()
    flags = info.get("flags", "").split()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return [
        ("processor", f"{info.get('model name', platform.machine())}, {cores()} cores"),
        ("instructions", ", ".join(flag for flag in _FLAGS if flag in flags) or "none of note"),
        ("memory", f"{memory:.0f} GiB"),
        ("software", ", ".join([f"Python {platform.python_version()}", *packages])),
        ("commit", _commit()),
    ]


def load_average() -> float:
    return os.getloadavg()[0]


def _cpu_info() -> dict[str, str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _commit() -> str:
    here = Path(__file__).resolve().parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=here, capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = ", with uncommitted changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed
