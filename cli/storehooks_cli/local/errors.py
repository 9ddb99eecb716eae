"""What the user reads instead of a traceback."""


class LocalError(Exception):
    """The local stack cannot go on. The text says why, and what to do about it."""
