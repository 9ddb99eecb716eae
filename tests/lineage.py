"""Lambda's detection of recursive loops, as the tests' worlds have it.

Each call that the SDK makes inside a function carries a lineage in its trace header: how often each
function was invoked in this chain of requests. Lambda refuses an invocation beyond about 16 of one
function, unless the function has ``RecursiveLoop: Allow``; the message goes to the dead letters.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
"""

from collections import Counter
from collections.abc import Container, Iterable

from tests.template_file import resources

MAX_INVOCATIONS = 16

type Lineage = Counter[str]


def allowed_by_template() -> set[str]:
    """The functions, by folder, that may be part of a loop."""
    return {
        function["CodeUri"].removeprefix("functions/")
        for function in resources("AWS::Serverless::Function").values()
        if function.get("RecursiveLoop") == "Allow"
    }


class LoopDetection:
    """Follows lineages.

    :param allowed: the functions that have ``RecursiveLoop: Allow``.
    """

    def __init__(self, allowed: Container[str] | None = None) -> None:
        self.allowed = allowed_by_template() if allowed is None else allowed
        self.longest: Lineage = Counter()
        """The most invocations of each function in one chain."""

    def invoked(self, function: str, lineages: Iterable[Lineage]) -> Lineage | None:
        """The lineage of an invocation with messages of these; None if Lambda refuses it.

        How Lambda merges the lineages of a batch is not documented: here the longest counts for all.
        """
        merged: Lineage = Counter()
        for lineage in lineages:
            merged |= lineage
        merged[function] += 1
        if merged[function] > MAX_INVOCATIONS and function not in self.allowed:
            return None
        self.longest |= merged
        return merged
