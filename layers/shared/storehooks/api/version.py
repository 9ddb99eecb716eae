"""The versions of the API: the same operations with two forms of input and output."""

from enum import StrEnum


class Version(StrEnum):
    """The version of a request, which its route names."""

    V2 = "v2"
    V3 = "v3"
