"""How long the main thread waits for the worker in each tick."""

from collections.abc import Callable

#: Slicer's main thread keeps Python's global lock even while Qt waits for events or draws, so another Python thread gets
#: on well only while the main thread waits in Python. So long it waits at least in each tick while there is work,
LEAST_S = 0.02
#: and so long at most: longer would be felt.
MOST_S = 0.08


class TimeForWorker:
    """Gives the worker as much time as everything else took since the last tick: half of it, within limits.

    While a box is dragged, a turn of Slicer's event loop takes an eighth of a second (slots of the moved box, four views
    to be drawn): with the least wait alone the worker would get a seventh of the time.

    Args:
        clock: In seconds.
    """

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._since = clock()

    @property
    def limit_s(self) -> float:
        """How long to wait now, in seconds."""
        return min(max(self._clock() - self._since, LEAST_S), MOST_S)

    def begin(self) -> None:
        """A tick has ended; what follows is everybody else's time."""
        self._since = self._clock()
