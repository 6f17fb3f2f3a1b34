"""How many cores may this process use?"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_GROUP = Path("/proc/self/cgroup")


def available_cores(cgroup: Path = CGROUP, own_group: Path = OWN_GROUP) -> int:
    """The cores of the process's affinity, or of its container's quota, whichever is less; at least 1.

    A container limited to 2 of 64 cores still sees 64: the quota is in a control group, the process's own or
    one above it (cgroup v2's cpu.max, v1's cpu.cfs_quota_us), in microseconds of processor time per period.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for quota in map(_quota, _groups(cgroup, own_group)) if quota is not None]
    return max(1, min([affinity, *map(math.ceil, quotas)]))


def _groups(cgroup: Path, own_group: Path) -> Iterator[Path]:
    """The root, and the process's own group with all above it."""
    yield cgroup
    yield cgroup / "cpu"
    try:
        lines = own_group.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        root = cgroup / "cpu" if "cpu" in controllers.split(",") else cgroup
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder == root or root not in folder.parents:
                break
            yield folder


def _quota(group: Path) -> float | None:
    """In cores; None where there is no limit."""
    try:
        limit, period = (group / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (group / "cpu.cfs_quota_us").read_text()
            period = (group / "cpu.cfs_period_us").read_text()
        except OSError:
            return None
    try:
        cores = float(limit) / float(period)
    except (ValueError, ZeroDivisionError):  # "max"
        return None
    return cores if cores > 0 else None  # v1 says -1
