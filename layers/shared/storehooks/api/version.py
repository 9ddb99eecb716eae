"""The versions of the API: the same operations, spoken of in two ways."""

from enum import StrEnum


class Version(StrEnum):
    """Which one a request is in; its route says so."""

    V2 = "v2"
    V3 = "v3"
