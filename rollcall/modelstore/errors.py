"""What can go wrong with a pack's files."""


class DownloadFailed(Exception):
    """A pack could not be had. The text is for the operator, and holds no secrets."""


class PackMissing(Exception):
    """MODEL_DIR has no such pack. The text is for the operator."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no model pack {name} in MODEL_DIR.")
