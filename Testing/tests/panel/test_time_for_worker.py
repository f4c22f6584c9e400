"""The worker gets half of the main thread's time, in pieces that nobody feels, however busy Slicer's views are."""

import pytest

from MedXAILib.panel.time_for_worker import LEAST_S, MOST_S, TimeForWorker
from stand_ins import event_loop
from stand_ins.busy_views import BusyViews
from stand_ins.panel_bench import PanelBench


@pytest.mark.parametrize(("busy_s", "given_s"), [(0.0, LEAST_S), (0.01, LEAST_S), (0.05, 0.05), (0.13, MOST_S)])
def test_the_wait_is_as_long_as_everything_else_took_within_limits(busy_s: float, given_s: float) -> None:
    now = [5.0]
    time = TimeForWorker(lambda: now[0])
    now[0] += 3.0  # a long rest before there was work
    time.begin()
    now[0] += busy_s
    assert time.limit_s == pytest.approx(given_s)


def test_a_busy_loop_leaves_the_worker_its_share(explained: PanelBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench, given = explained, []
    jobs = type(bench.controller.jobs)
    wait = jobs.give_time
    monkeypatch.setattr(jobs, "give_time", lambda self, limit_s: (given.append(limit_s), wait(self, limit_s)))
    views = BusyViews(bench.scene, bench.parameters.region)
    for _ in range(6):
        bench.drag(bench.parameters.region, 3.0)
        event_loop.process_events()
    views.end()
    bench.settle()
    assert views.drawn >= 3 and given and max(given) == MOST_S, "the worker waits for its turn behind the views"
    assert MOST_S < 0.1, "so long a wait is felt"
