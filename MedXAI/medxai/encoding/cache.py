"""Encodings of slices, kept within a memory budget; the one that was unused longest is dropped first."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from .encoding import Encoding


class EncodingCache:
    """Encodings by key; safe to use from the worker and the main thread.

    A slice of ViT-B with its five default layers takes about 31 MB.

    Args:
        budget_bytes: Memory that the encodings may take together.
    """

    def __init__(self, budget_bytes: int = 512 << 20):
        self._budget_bytes = budget_bytes
        self._entries: OrderedDict[Hashable, Encoding] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Encoding | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def put(self, key: Hashable, encoding: Encoding) -> None:
        """Keeps the encoding; one that alone exceeds the budget is not kept."""
        with self._lock:
            self._entries.pop(key, None)
            if encoding.nbytes > self._budget_bytes:
                return
            self._entries[key] = encoding
            self._shrink()

    def set_budget(self, budget_bytes: int) -> None:
        """Another budget from now on; what no longer fits into it goes at once."""
        with self._lock:
            self._budget_bytes = budget_bytes
            self._shrink()

    def has_room_for(self, nbytes: int) -> bool:
        """Whether so much more can be kept without dropping anything."""
        with self._lock:
            return self._nbytes() + nbytes <= self._budget_bytes

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()

    @property
    def nbytes(self) -> int:
        with self._lock:
            return self._nbytes()

    def __len__(self) -> int:
        return len(self._entries)

    def _shrink(self) -> None:
        while self._nbytes() > self._budget_bytes:
            self._entries.popitem(last=False)

    def _nbytes(self) -> int:
        return sum(encoding.nbytes for encoding in self._entries.values())
