"""The commands of docs/deployment.md.

`make bento` of "The image" is run by tests/e2e/test_container.py, "Keys and TLS" by
tests/e2e/test_keys_docs.py, "Compose and Kubernetes" by tests/unit/deploy/test_deploy_docs.py. Docker is not
here to run the others, so they are held to what can be known without it.
"""

import re
import shlex
import shutil
import subprocess

import pytest
import yaml

from tests.servers import ROOT

DOCS = (ROOT / "docs" / "deployment.md").read_text()
BLOCKS = re.findall(r"```sh docker\n(.*?)```", DOCS, re.DOTALL)
DOCKER_COMMANDS = [
    shlex.split(line)
    for block in BLOCKS
    for line in block.replace("\\\n", " ").splitlines()
    if line.startswith("docker ")
]


def test_every_other_command_is_run_by_a_test() -> None:
    elsewhere = re.compile(
        r"^## (Keys and TLS|Compose and Kubernetes)\n.*?(?=^## )", re.DOTALL | re.MULTILINE
    )
    rest = elsewhere.sub("", DOCS)
    assert len(elsewhere.findall(DOCS)) == 2
    assert re.findall(r"```sh\n(.*?)```", rest, re.DOTALL) == ["make bento\n"]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_command_for_docker_is_a_command_of_the_shell(block: str) -> None:
    subprocess.run(["bash", "-n", "-c", block], check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker client")
@pytest.mark.parametrize("words", DOCKER_COMMANDS, ids=lambda words: " ".join(words[1:3]))
def test_docker_knows_the_options(words: list[str]) -> None:
    subcommand = words[1:3] if words[1] == "volume" else words[1:2]
    help_text = subprocess.run(
        ["docker", *subcommand, "--help"], capture_output=True, text=True, check=True
    ).stdout
    # What follows the container is for the command in it.
    until = (
        len(words) if words[1] == "run" else words.index("rollcall") if "rollcall" in words else len(words)
    )
    options = [word for word in words[:until] if word.startswith("--")]
    assert all(re.search(rf"{option}\b", help_text) for option in options), options


def test_the_container_is_run_with_what_the_image_wants() -> None:
    run = next(words for words in DOCKER_COMMANDS if words[1] == "run")
    settings = {
        one["name"]: one["value"] for one in yaml.safe_load((ROOT / "bentofile.yaml").read_text())["envs"]
    }
    targets = {word.partition(":")[2] for word in run if word.startswith("rollcall-")}
    assert targets == {settings["MODEL_DIR"], "/data"}
    assert settings["DATABASE_URL"] in DOCS
    assert "8000:8000" in run
    assert "--read-only" in run
    assert run[run.index("--tmpfs") + 1] == "/tmp"
