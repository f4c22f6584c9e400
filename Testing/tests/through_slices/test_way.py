"""The way through the slices: its grid, its range, what is kept when it is broken off or a box is changed."""

from dataclasses import replace

import numpy as np
import pytest

from medxai.contour.result import ContourKind
from medxai.engine import Engine
from medxai.errors import Cancelled, InputError, OutputError
from medxai.maps import MEDXAI, MapId
from medxai.progress import RunControl, Step
from medxai.report.kept_slices import KeptSlices
from medxai.request import ExplainRequest
from medxai.slice.box import PixelBox, box_of_mask, grown_box
from medxai.slice.slice_image import oblique_slice_of
from medxai.through_slices.answers import EngineAnswers
from medxai.through_slices.drift_alarm import StopReason
from medxai.through_slices.legs import legs_of
from medxai.through_slices.request import VolumeRequest
from medxai.through_slices.volume_result import SliceState, alarms_of
from support.answered import DEMO

from .conftest import START, request_of


def same(a, b):
    """Whether two results are the same but for times."""
    assert [one.index for one in a.slices] == [one.index for one in b.slices]
    for one, other in zip(a.slices, b.slices, strict=True):
        assert (one.state, one.box, one.origin, one.verdict) == (other.state, other.box, other.origin, other.verdict)
        assert np.array_equal(one.mask, other.mask)
        for map_id, values in one.maps.items():
            assert np.array_equal(values, other.maps[map_id])
    assert a.stops == b.stops
    return True


def stopping_after(count):
    """A control that cancels once so many slices are done, and the place where they are counted."""
    done = []
    return RunControl(is_cancelled=lambda: len(done) >= count), lambda one, _progress: done.append(one.index)


def test_mask_and_maps_lie_on_the_volumes_grid_and_are_the_slices_own(followed, ending):
    mask, (map_id,) = followed.mask, followed.map_ids
    assert mask.shape == ending.volume.voxels.shape == followed.map_volume(map_id).shape
    assert map_id.map == "stage3" and map_id.layer
    for one in followed.accepted:
        assert np.array_equal(mask[one.index], one.mask)
        assert np.array_equal(followed.map_volume(map_id)[one.index], one.maps[map_id])
    (alarm,) = followed.alarms
    assert alarms_of(followed.slices) == (alarm,), "the slices alone say it, too"
    assert not mask[alarm.index].any() and followed.slice(alarm.index).mask.any()
    on_outline = followed.tolerance_mm_per_logit > 0
    assert on_outline.any() and not on_outline[alarm.index].any()


def test_a_slice_is_what_the_engine_says_of_its_box(engine, followed, ending):
    one = followed.slice(START + 2)
    asked = ExplainRequest.of_slice(ending.volume, "axial", START + 2, model=DEMO)
    result = engine.case(asked, tuple(one.box.xyxy)).result
    assert np.array_equal(one.mask, result.segmentation.mask)
    assert one.soft_share == result.contour.share[ContourKind.SOFT]


def test_nothing_of_the_result_or_of_the_volume_can_be_written_to(followed, ending):
    before = ending.volume.voxels.copy()
    with pytest.raises(ValueError, match="read-only"):
        followed.slices[0].mask[0, 0] = True
    followed.mask[:] = True
    assert followed.mask.mean() < 0.5
    assert np.array_equal(before, ending.volume.voxels)


def test_the_range_is_kept_and_told(engine, clean):
    result = engine.explain_volume(request_of(clean, first=3, last=6))
    assert [one.index for one in result.slices] == [3, 4, 5, 6]
    assert {stop.reason for stop in result.stops} == {StopReason.RANGE_ENDS}
    assert result.slice(START).state is SliceState.YOUR_BOX


def test_other_planes_are_gone_through_as_well(engine, clean):
    across = clean.mask.sum(axis=(0, 2)).argmax()
    on_slice = ExplainRequest.of_slice(clean.volume, "coronal", int(across), model=DEMO)
    request = VolumeRequest(on_slice, box_of_mask(clean.mask[:, across]), first=int(across) - 1, last=int(across) + 1)
    result = engine.explain_volume(request)
    assert result.mask.any(axis=(0, 2)).sum() >= 2
    assert (result.mask & clean.mask).sum() > 0.7 * result.mask.sum()


def test_progress_tells_whole_slices_and_time_left(engine, clean):
    told, heard = [], []
    control = RunControl(lambda step, done, total: told.append((step, done, total)))
    request = request_of(clean, first=3, last=6)
    engine.explain_volume(request, control, on_slice=lambda one, progress: heard.append(progress))
    assert told == [(Step.FOLLOWING, n, 4) for n in (1, 2, 3, 4)]
    assert [one.done for one in heard] == [1, 2, 3, 4] and heard[-1].seconds_left == 0
    assert heard[0].seconds_left > 0


@pytest.mark.parametrize("after", [1, 3, 8])
def test_a_run_that_was_cancelled_goes_on_to_the_same_result(engine, ending, followed, after):
    control, on_slice = stopping_after(after)
    part = engine.explain_volume(request_of(ending), control, on_slice=on_slice)
    assert len(part.slices) == after and not part.is_complete
    again = []
    rest = engine.explain_volume(request_of(ending), so_far=part, on_slice=lambda one, _: again.append(one))
    assert rest.is_complete and same(rest, followed)
    assert all(any(one is old for one in again) for old in part.slices)


def test_cancelled_before_the_first_slice_gives_nothing(engine, ending):
    with pytest.raises(Cancelled):
        Engine().explain_volume(request_of(ending), RunControl(is_cancelled=lambda: True))


def test_a_changed_box_is_followed_anew_and_later_boxes_of_the_user_stay(engine, clean):
    request = request_of(clean).with_box(8, box_of_mask(clean.mask[8])).with_box(12, box_of_mask(clean.mask[12]))
    first = engine.explain_volume(request)
    wider = grown_box(box_of_mask(clean.mask[8]), clean.mask[8].shape, 0.2)
    second = engine.explain_volume(request.with_box(8, wider), so_far=first)
    kept = {one.index for one in second.slices if any(one is old for old in first.slices)}
    assert kept == {*range(8), *range(12, 16)}
    assert second.slice(8).box == wider and second.slice(12).state is SliceState.YOUR_BOX
    assert same(second, engine.explain_volume(request.with_box(8, wider)))


def test_a_new_box_beyond_an_alarm_is_followed_back_to_it(engine, ending, followed):
    box = box_of_mask(ending.mask[8])
    result = engine.explain_volume(request_of(ending).with_box(14, box), so_far=followed)
    assert result.slice(14).state is SliceState.YOUR_BOX
    assert {one.index for one in result.slices} > {one.index for one in followed.slices}


def test_between_two_boxes_the_one_nearer_to_the_start_leads(clean):
    request = request_of(clean).with_box(9, PixelBox(0, 0, 5, 5))
    first = [(leg.origin, leg.direction, leg.until) for leg in legs_of(request)]
    assert first.index((4, 1, 8)) < first.index((9, -1, 5))
    assert (4, -1, 0) in first and (9, 1, 15) in first


def test_another_question_takes_over_nothing(engine, ending, followed):
    other = request_of(ending, maps=(MapId(MEDXAI, "interaction"),))
    result = engine.explain_volume(other, so_far=followed)
    assert [str(map_id) for map_id in result.map_ids] == ["medxai/interaction"]


def test_what_cannot_be_used_is_said_before_any_model_runs(clean):
    request, engine = request_of(clean), Engine()
    with pytest.raises(InputError, match="no range of this volume's 16 axial slices"):
        engine.explain_volume(replace(request, first=5, last=40))
    with pytest.raises(InputError, match="lies outside the slices 6 to 9"):
        engine.explain_volume(replace(request, first=6, last=9))
    with pytest.raises(InputError, match="no map 'medxai/heat'"):
        engine.explain_volume(replace(request, maps=(MapId(MEDXAI, "heat"),)))
    with pytest.raises(InputError, match="outside the slice"):
        engine.explain_volume(request.with_box(7, PixelBox(500, 500, 510, 510)))
    plane = np.eye(4)
    plane[:3, :3] = [[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]
    oblique = ExplainRequest(clean.volume, oblique_slice_of(clean.volume, plane), DEMO)
    with pytest.raises(InputError, match="oblique"):
        engine.explain_volume(VolumeRequest(oblique, PixelBox(10, 10, 20, 20)))
    assert engine.held_bytes == 0


def test_all_boxes_of_a_slice_are_asked_of_one_image_so_that_it_is_prepared_once(engine, clean):
    seen = []

    class Asked:
        def case(self, request, *arguments):
            seen.append(request.image)
            return engine.case(request, *arguments)

        def segment(self, request, *arguments):
            seen.append(request.image)
            return engine.segment(request, *arguments)

    request = request_of(clean)
    answers = EngineAnswers(Asked(), request, RunControl())
    answers.explain(START + 1, request.box)
    answers.segment(START + 1, [request.box, grown_box(request.box, clean.mask[START].shape)])
    answers.explain(START + 1, request.box)
    assert len(seen) == 3 and seen[0] is seen[1] is seen[2]
    assert answers.grey(START + 1) is answers.grey(START + 1)
    answers.explain(START + 2, request.box)
    assert seen[3].index == START + 2


def test_the_volume_of_tilted_voxels_is_no_product_of_their_edges(followed):
    on_slice = followed.request.on_slice
    tilted = on_slice.volume.ijk_to_ras_mm.copy()
    straight = followed.volume_mm3
    tilted[:3, 2] += 0.7 * tilted[:3, 1]
    volume = replace(on_slice.volume, ijk_to_ras_mm=tilted)
    sheared = replace(followed, request=replace(followed.request, on_slice=replace(on_slice, volume=volume)))
    assert sheared.volume_mm3 == pytest.approx(straight)
    assert straight == pytest.approx(followed.mask.sum() * np.prod(on_slice.volume.spacing_mm))
    unknown = replace(volume, facts=replace(volume.facts, has_known_spacing=False))
    sheared = replace(followed, request=replace(followed.request, on_slice=replace(on_slice, volume=unknown)))
    assert sheared.volume_mm3 is None


def test_a_slice_that_cannot_be_kept_leaves_no_half_of_it(followed, tmp_path, monkeypatch):
    kept = KeptSlices(tmp_path, followed.request)
    kept.keep(followed.slices[0])
    (place,) = tmp_path.iterdir()
    before = sorted(place.iterdir())

    def full(file, **_arrays):
        file.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OutputError, match="No space left"):
        kept.keep(followed.slices[1])
    assert sorted(place.iterdir()) == before
    monkeypatch.undo()
    assert [one.index for one in kept.load().slices] == [followed.slices[0].index]
