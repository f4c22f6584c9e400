"""The outline's pieces of line: on the stretches, as long as they are, and in dashes."""

import time
from itertools import pairwise

import numpy as np
import pytest

from medxai.contour.lines import lines_of_kind
from medxai.contour.result import ContourCheck, ContourKind

KINDS = {ContourKind.FIRM: (0.2, 0.0), ContourKind.SOFT: (2.0, 0.0), ContourKind.FOLLOWS_BOX: (0.2, 0.9)}


def check_of(outlines: list[tuple[np.ndarray, list[ContourKind], bool]]) -> ContourCheck:
    """A check of outlines that are given as places (n, 2) in mm, kinds, and whether they are closed."""
    places = np.concatenate([places for places, _, _ in outlines])
    kinds = [kind for _, own, _ in outlines for kind in own]
    tolerance, follows = np.array([KINDS[kind] for kind in kinds]).T
    return ContourCheck(
        points_px=places,
        points_ras_mm=np.column_stack([places, np.full(len(places), 7.0)]),
        outline=np.repeat(np.arange(len(outlines)), [len(places) for places, _, _ in outlines]),
        is_closed=tuple(is_closed for _, _, is_closed in outlines),
        length_mm=np.ones(len(places)),
        tolerance_mm_per_logit=tolerance,
        follows_box=np.column_stack([follows, np.zeros((len(places), 3))]),
        seconds=0.0,
    )


def random_check(seed: int, outlines: int) -> ContourCheck:
    rng, made = np.random.default_rng(seed), []
    for number in range(outlines):
        count = int(rng.integers(1, 30))
        angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
        places = 9 * np.column_stack([np.cos(angles), np.sin(angles)]) + [40 * number, 0]
        kinds = np.repeat(list(KINDS), 10)[np.cumsum(rng.random(count) < 0.2) * 10 % 30]
        made.append((places, [ContourKind(kind) for kind in kinds], bool(rng.random() < 0.6)))
    return check_of(made)


@pytest.mark.parametrize("seed", range(8))
def test_whole_lines_are_the_stretches_one_after_another(seed: int) -> None:
    check = random_check(seed, 5)
    for kind in ContourKind:
        wanted: set = set()
        for stretch in check.stretches():
            if stretch.kind == kind:
                own = np.append(stretch.indexes, stretch.indexes[0]) if stretch.is_closed else stretch.indexes
                wanted |= set(pairwise(own))
        pieces = lines_of_kind(check, kind, None)
        index = {tuple(place): n for n, place in enumerate(check.points_ras_mm)}
        found = [
            (index[tuple(a)], index[tuple(b)]) for a, b in zip(pieces.start_ras_mm, pieces.end_ras_mm, strict=True)
        ]
        assert len(found) == len(set(found)) and set(found) == wanted


@pytest.mark.parametrize("seed", range(8))
def test_dashes_have_their_length_and_lie_on_the_line(seed: int) -> None:
    check = random_check(seed, 5)
    for kind in ContourKind:
        whole, dashed = lines_of_kind(check, kind, None), lines_of_kind(check, kind, (3.0, 2.0))
        if not len(whole):
            assert not len(dashed)
            continue
        lengths = np.linalg.norm(dashed.end_ras_mm - dashed.start_ras_mm, axis=1)
        each = np.add.reduceat(lengths, np.flatnonzero(~dashed.goes_on))
        assert each.max() <= 3 + 1e-9 and (lengths > 0).all()
        whole_each = np.add.reduceat(
            np.linalg.norm(whole.end_ras_mm - whole.start_ras_mm, axis=1), np.flatnonzero(~whole.goes_on)
        )
        full, rest = np.divmod(whole_each, 5.0)
        assert lengths.sum() == pytest.approx((3 * full + np.minimum(rest, 3)).sum())
        middles = (dashed.start_ras_mm + dashed.end_ras_mm) / 2
        way = whole.end_ras_mm - whole.start_ras_mm
        share = ((middles[:, None] - whole.start_ras_mm) * way).sum(2) / (way**2).sum(1)
        off = np.linalg.norm(whole.start_ras_mm + np.clip(share, 0, 1)[..., None] * way - middles[:, None], axis=2)
        assert off.min(axis=1).max() < 1e-6
        joined = dashed.goes_on[1:]
        np.testing.assert_allclose(dashed.start_ras_mm[1:][joined], dashed.end_ras_mm[:-1][joined], atol=1e-9)


def test_kinds_are_members_not_their_texts() -> None:
    check = random_check(3, 20)
    assert {type(kind) for kind in check.kind} == {ContourKind} and set(check.kind) == set(ContourKind)
    assert {type(stretch.kind) for stretch in check.stretches()} == {ContourKind}


def test_a_short_stretch_is_never_lost_in_a_gap() -> None:
    places = np.column_stack([np.arange(30) * 0.5, np.zeros(30)])
    kinds = [ContourKind.FIRM, ContourKind.SOFT] * 15
    assert len(lines_of_kind(check_of([(places, kinds, False)]), ContourKind.SOFT, (3.0, 20.0))) == 14


def test_thousands_of_outlines_take_no_longer_than_a_reader_feels() -> None:
    check = random_check(0, 4000)
    start = time.process_time()
    for kind in ContourKind:
        lines_of_kind(check, kind, (3.0, 2.0))
    assert time.process_time() - start < 0.5
