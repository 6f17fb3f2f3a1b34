"""An image without Docker: a Debian tree, and a rendered Dockerfile carried out in it.

Everything is mounted in mount namespaces that end with their command, so nothing stays mounted.
"""

import ast
import os
import re
import shutil
import string
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.dockerfile import Instruction, parse

SUITE: Final = "bookworm"
# What the base image has, as far as the Dockerfile and the server use it.
BASE_PACKAGES: Final = ("python3.11", "python3.11-venv", "python3-distutils", "ca-certificates")
BASE_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STEP_LIMIT_SECONDS: Final = 600

_IN_THE_TREE: Final = """
set -eu
tree=$1 step=$2
shift 2
mount -t proc proc "$tree/proc"
for place in "$@"; do mount --rbind "${place%%=*}" "$tree${place#*=}"; done
exec chroot "$tree" /bin/sh -c "$step"
"""


def why_not() -> str | None:
    """What is missing here to make an image; None if nothing is."""
    if os.geteuid() != 0:
        return "only root can make a Debian tree"
    if shutil.which("debootstrap") is None:
        return "debootstrap is not installed"
    return None


def debian_tree(folder: Path) -> None:
    """Make a minimal Debian system, from the mirror that this machine's apt uses."""
    # As Debian's own images are made: nobody needs this tree after a power cut.
    settings = folder / "etc/dpkg/dpkg.cfg.d"
    settings.mkdir(parents=True)
    (settings / "speed").write_text("force-unsafe-io\n")
    mirror = _output("apt-get", "indextargets", "--format", "$(REPO_URI)", f"Release: {SUITE}").split()[0]
    packages = ",".join(BASE_PACKAGES)
    command = ["debootstrap", "--variant=minbase", f"--include={packages}", SUITE, str(folder), mirror]
    done = subprocess.run(command, capture_output=True, text=True, timeout=STEP_LIMIT_SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    (folder / "etc/hosts").write_text("127.0.0.1 localhost\n")  # Docker gives every container one


class Image:
    """What `docker build` would have made of a context and its Dockerfile."""

    def __init__(self, tree: Path, context: Path) -> None:
        """Carry out the Dockerfile in the tree, which must hold what its FROM names."""
        self.tree = tree
        self.environment = {"PATH": BASE_PATH}
        self._context = context
        self._said: dict[str, Instruction] = {}
        for instruction in parse((context / "env/docker/Dockerfile").read_text()):
            self._carry_out(instruction)

    def said(self, name: str) -> str:
        """The value of its last instruction of this name, such as USER."""
        return self._said[name].value

    def words(self, name: str) -> list[str]:
        return self._said[name].words()

    @property
    def health_check(self) -> list[str]:
        return Instruction(name="CMD", flags={}, value=self.said("HEALTHCHECK").removeprefix("CMD ")).words()

    def files(self) -> list[str]:
        """Every file of the image, from its root."""
        return ["/" + str(path.relative_to(self.tree)) for path in self.tree.rglob("*") if not path.is_dir()]

    def megabytes(self, *folders: str) -> float:
        paths = [path for folder in folders for path in self.inside(folder).rglob("*")]
        return sum(path.lstat().st_size for path in paths) / 1e6

    def inside(self, path: str) -> Path:
        return self.tree / path.lstrip("/")

    def _carry_out(self, step: Instruction) -> None:
        match step.name:
            case "ENV":
                for word in step.words():
                    name, _, value = word.partition("=")
                    self.environment[name] = string.Template(value).substitute(self.environment)
            case "RUN":
                self._run(step)
            case "COPY":
                self._copy(step.words())
            case "FROM" | "WORKDIR" | "USER" | "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "CMD":
                self._said[step.name] = step
            case other:
                raise AssertionError(f"the Dockerfile has {other}, which is not carried out here")

    def _run(self, step: Instruction) -> None:
        settings = pip_settings()
        places = {folder: folder for folder in ("/etc/ssl/certs", *_local_folders(settings.values()))}
        mount = dict(part.split("=") for part in step.flags.get("mount", "").split(",") if part)
        if mount.get("type") == "cache":
            # The machine's own cache of packages stands for Docker's.
            cache = _output(sys.executable, "-m", "pip", "cache", "dir").strip()
            Path(cache).mkdir(parents=True, exist_ok=True)
            places[cache] = mount["target"]
        made = [folder for inside in places.values() for folder in self._make(inside)]
        binds = [f"{outside}={inside}" for outside, inside in places.items() if Path(outside).is_dir()]
        done = subprocess.run(
            ["unshare", "--mount", "sh", "-c", _IN_THE_TREE, "sh", str(self.tree), step.value, *binds],
            env={**_proxies(), **settings, **self.environment, "HOME": "/root"},
            capture_output=True,
            text=True,
            timeout=STEP_LIMIT_SECONDS,
            check=False,
        )
        for folder in reversed(made):
            folder.rmdir()  # only what held a mount and nothing else
        assert done.returncode == 0, (step.value, done.stdout[-3000:], done.stderr[-3000:])

    def _make(self, inside: str) -> list[Path]:
        """Make a folder and those above it; returns the new ones, the outermost first."""
        folder = self.inside(inside)
        new = [path for path in (folder, *folder.parents) if not path.exists()][::-1]
        folder.mkdir(parents=True, exist_ok=True)
        return new

    def _copy(self, words: Sequence[str]) -> None:
        *sources, target = words
        for source in sources:
            path = self._context / source
            if path.is_dir():
                shutil.copytree(path, self.inside(target), dirs_exist_ok=True)
            else:
                assert target.endswith("/")
                self.inside(target).mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, self.inside(target))


def pip_settings() -> dict[str, str]:
    """This machine's configuration of pip, as environment variables."""
    found: dict[str, str] = {}
    for line in sorted(_output(sys.executable, "-m", "pip", "config", "list").splitlines(), reverse=True):
        key, _, value = line.partition("=")  # the environment's keys begin with a colon, and come last
        name = key.rpartition(".")[2].upper().replace("-", "_")
        found[f"PIP_{name}"] = " ".join(str(ast.literal_eval(value)).split())
    # A file that is not in the tree; what the image installs is pinned by its hashes.
    found.pop("PIP_CONSTRAINT", None)
    return found


def _local_folders(values: Iterable[str]) -> list[str]:
    """The folders of packages that pip's configuration names: /opt/packages for /opt/packages/simple."""
    text = " ".join(values)
    paths = [Path(path) for path in re.findall(r"(?:^|(?<= ))(?:file://)?(/\S+)", text)]
    folders = {str(Path(*path.parts[:3])) for path in paths if path.is_dir()}
    return sorted(folder for folder in folders if not folder.startswith("/etc"))


def _proxies() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
