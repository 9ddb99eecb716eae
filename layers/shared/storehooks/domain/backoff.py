"""How long a task without progress waits before it runs again.

``deliver`` sends such tasks to the queue that invokes it, and Lambda does not stop that loop
(``RecursiveLoop: Allow`` in the template). This rule bounds it: twenty rounds take hours.
"""

import math

from storehooks.domain.delivery import SOON_SECONDS

_CLOCKS_DIFFER_SECONDS = 60


def growing_wait(waited_seconds: float, *, at_least: int) -> int:
    """Seconds to wait before the next round: as long as the task has waited already, at most 15 minutes.

    The wait doubles from round to round, without a count of rounds. The task starts at most twice as late as
    it could have, or 15 minutes late.

    :param waited_seconds: seconds without progress. It is below 0 if the publisher dates its event in the
        future. Such a date does not say how long the task waited, so the longest wait applies.
    :param at_least: the first wait, in seconds.
    """
    if waited_seconds < -_CLOCKS_DIFFER_SECONDS:
        return SOON_SECONDS
    return min(max(math.ceil(waited_seconds), at_least), SOON_SECONDS)
