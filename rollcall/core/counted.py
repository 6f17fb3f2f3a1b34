"""Numbers of things, as people say them."""


def counted(count: int, one: str, many: str | None = None) -> str:
    """`1 face`, `2 faces`. `many` is for what takes no s: `counted(2, "face has", "faces have")`."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"
