"""Plain lines on how far the work is, now and then."""

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

#: Between two lines, in seconds.
_EVERY_S = 5.0


@dataclass
class Progress:
    """scans: how many have unfinished work. How many cases they will have is estimated by those that were opened."""

    scans: int
    stream: TextIO = field(default_factory=lambda: sys.stderr)
    opened: int = 0
    expected: int = 0
    done: int = 0
    failed: int = 0
    began_s: float = field(default_factory=time.monotonic)
    said_s: float = 0.0

    def opened_scan(self, cases: int) -> None:
        self.opened += 1
        self.expected += cases

    def finished(self, failed: bool) -> None:
        self.done += 1
        self.failed += failed
        now = time.monotonic()
        if now - self.said_s >= _EVERY_S or (self.opened == self.scans and self.done == self.expected):
            self.said_s = now
            self.say()

    def say(self) -> None:
        print(self._line(time.monotonic() - self.began_s), file=self.stream, flush=True)

    def _line(self, gone_s: float) -> str:
        sure = self.opened == self.scans
        total = self.expected if sure else round(self.expected / max(self.opened, 1) * self.scans)
        left = (
            f"about {_clock(gone_s / self.done * (total - self.done))} left" if self.done else "time left not known yet"
        )
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.done} of {'' if sure else 'about '}{total or 'some'} cases{failed}; {_clock(gone_s)} gone, {left}"
        )


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
