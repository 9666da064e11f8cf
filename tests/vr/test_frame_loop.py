"""Show 1: the frame loop against a running Monado. What is drawn is what is submitted, and it is the avatar."""

import gc
import itertools
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import xr
import xr.api_layer

from inperson.avatar.body import BodyModel, load_body
from inperson.avatar.file import load_avatar
from inperson.avatar.gaussians import PosedGaussians
from inperson.avatar.headset_pose import HeadsetPose
from inperson.avatar.posing import AvatarPoser
from inperson.avatar.state import BodyState
from inperson.render.cpu.rasterizer import CpuRasterizer
from inperson.render.headset import FAR, NEAR
from inperson.render.pacing import Rung
from inperson.render.xr.buttons import InputEvent
from inperson.render.xr.events import SessionState
from inperson.render.xr.loss import RuntimeLost
from tests.vr.call_rules import violations
from tests.vr.headset_run import FULL, HeadsetRun, headset_run, standing
from tests.vr.monado import MonadoService
from tests.vr.recording import Call, RecordingLayer

FRAMES, READ_EVERY = 120, 24
CORE_VALIDATION = xr.api_layer.LUNARG_core_validation_APILAYER_NAME
WHOLE_LIFE = ("IDLE", "READY", "SYNCHRONIZED", "VISIBLE", "FOCUSED", "VISIBLE", "SYNCHRONIZED", "STOPPING")
WHOLE_LIFE = (*WHOLE_LIFE, "IDLE", "EXITING")


class CountingPoser:
    """The avatar's poser, counting."""

    def __init__(self, poser: AvatarPoser) -> None:
        self._poser = poser
        self.count = 0

    def pose(self, state: BodyState) -> PosedGaussians:
        self.count += 1
        return self._poser.pose(state)


@pytest.fixture(scope="module")
def service(monado_runtime: None) -> Iterator[MonadoService]:
    with MonadoService("null") as service, service.activate():
        yield service


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body(load_avatar("ada").body_name)


@pytest.fixture(scope="module")
def poser(body: BodyModel) -> AvatarPoser:
    return AvatarPoser(load_avatar("ada"), body)


class Swaying:
    """Somebody 1.5 m ahead who turns to and fro, as of a moment."""

    def __init__(self, body: BodyModel) -> None:
        self._body = body

    def __call__(self, headset: HeadsetPose) -> BodyState:
        heading = 0.3 * np.sin(headset.time_ns / 1e9)
        return replace(standing(self._body, x=0.0, z=-1.5, heading=heading), time_ns=headset.time_ns)


class Show:
    """One run of `FRAMES` frames from the first state to the last, heard and seen from every side."""

    def __init__(self, run: HeadsetRun, states: tuple[SessionState, ...], calls: list[Call], posed: int) -> None:
        self.states, self.calls, self.posed = states, calls, posed
        self.records, self.seen = run.records, run.seen
        self.nominal_ns = run.session.nominal_period_ns
        self.said = ""

    def of(self, name: str) -> list[Call]:
        return [call for call in self.calls if call.name == name]


@pytest.fixture(scope="module")
def show(
    service: MonadoService, body: BodyModel, poser: AvatarPoser, tmp_path_factory: pytest.TempPathFactory
) -> Show:
    folder = tmp_path_factory.mktemp("show")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XR_API_LAYER_PATH", "")  # put back afterwards; the layers add their own folders
        environment.setenv("XR_CORE_VALIDATION_EXPORT_TYPE", "text")
        environment.setenv("XR_CORE_VALIDATION_FILE_NAME", str(folder / "validation.txt"))
        xr.api_layer.expose_packaged_api_layers()
        recorder = RecordingLayer(folder / "layer")
        counting = CountingPoser(poser)
        layers = (recorder.name, CORE_VALIDATION)
        with headset_run([counting], Swaying(body), every=READ_EVERY, api_layers=layers) as run:
            run.frames(FRAMES)
            states = run.leave()
            show = Show(run, states, recorder.recording.calls, counting.count)
    show.said = (folder / "validation.txt").read_text()
    return show


def test_the_states_are_complete_to_exiting(show: Show):
    assert tuple(state.name for state in show.states) == WHOLE_LIFE


def test_no_call_is_misused_and_the_validation_layer_has_nothing_to_say(show: Show):
    assert violations(show.calls) == []
    assert "Core Validation Layer is initialized" in show.said
    assert "VALID_ERROR" not in show.said
    assert "VALID_WARNING" not in show.said


def test_every_frame_is_ended_and_all_that_should_be_seen_are_drawn(show: Show):
    ended = show.of("xrEndFrame")
    drawn = [call for call in ended if call.layers]
    assert len(ended) == len(show.records) >= FRAMES
    assert len(drawn) == len(show.seen) == sum(record.rendered for record in show.records) >= FRAMES - 5
    assert not ended[0].layers, "Monado wants nothing of the first frame"
    assert not show.records[0].rendered


def test_the_avatar_is_posed_once_for_both_eyes(show: Show):
    assert show.posed == len(show.seen)


def test_what_is_submitted_is_exactly_what_was_drawn(show: Show):
    submitted = [call.layers[0] for call in show.of("xrEndFrame") if call.layers]
    for (left, right), seen in zip(submitted, show.seen, strict=True):
        for eye, view in enumerate((left, right)):
            drawn = seen.views[eye]
            assert np.allclose(view.position, drawn.T_world_from_eye[:3, 3], atol=1e-6)
            angles = drawn.angle_left, drawn.angle_right, drawn.angle_up, drawn.angle_down
            assert np.allclose(view.fov, angles, atol=1e-6)
            assert view.rectangle == (0, 0, drawn.width, drawn.height) == (0, 0, 320, 240)
            assert view.depth is not None
            assert view.depth[1:] == pytest.approx((0.0, 1.0, NEAR, FAR))
        assert (left.swapchain, left.layer) != (right.swapchain, right.layer)


def test_the_eyes_are_located_last(show: Show):
    """After the pictures are there and everything else was located: only drawing follows."""
    calls = [call.name for call in show.calls if call.name.startswith(("xrLocate", "xrAcquire", "xrRelease"))]
    at = [i for i, name in enumerate(calls) if name == "xrLocateViews"]
    assert len(at) == len(show.seen)
    for i in at:
        assert calls[i - 1].startswith("xrAcquire")
        assert calls[i + 1].startswith("xrRelease")


def test_both_eyes_show_the_avatar_where_it_is(show: Show, poser: AvatarPoser):
    rasterizer = CpuRasterizer(threads=1)
    for seen in show.seen[::READ_EVERY]:
        assert seen.state is not None
        expected = rasterizer.render(poser.pose(seen.state), seen.views)
        for eye in range(2):
            inside = expected.alpha[eye] > 0.995
            assert inside.sum() > 1500, "the avatar is in view"
            drawn = seen.pictures[eye][inside]
            assert (drawn[:, 3] == 255).all()
            assert np.abs(drawn[:, :3] / 255 - expected.rgb[eye][inside]).max() < 0.02
            z = expected.depth[eye][inside]
            window = FAR / (FAR - NEAR) * (1 - NEAR / z)
            assert np.abs(seen.depth[eye][inside] - window).max() < 2e-4
    rasterizer.close()


def test_the_eyes_see_it_from_two_places(show: Show):
    left, right = show.seen[-1].views
    apart = np.linalg.norm(left.T_world_from_eye[:3, 3] - right.T_world_from_eye[:3, 3])
    assert 0.05 < apart < 0.08


def test_the_state_is_the_one_at_the_time_the_frame_is_seen(show: Show):
    predicted = [call.time for call in show.of("xrEndFrame") if call.layers]
    offsets = set()
    for seen, xr_time in zip(show.seen, predicted, strict=True):
        assert seen.state is not None
        assert seen.headset.time_ns == seen.state.time_ns == seen.display_time_ns
        offsets.add(seen.display_time_ns - xr_time)
    assert len(offsets) == 1, "XrTime is mapped onto the monotonic clock once"


def test_frame_records_tell_what_happened(show: Show):
    drawn = [record for record in show.records if record.rendered]
    assert show.nominal_ns == pytest.approx(50e6, rel=0.01), "the null compositor runs at 20 Hz"
    for record in drawn:
        stages = record.wait_ms, record.input_ms, record.pose_ms, record.draw_ms, record.submit_ms
        assert all(ms >= 0 for ms in stages)
        assert min(record.pose_ms, record.draw_ms) > 0
        assert (record.scale, record.level) == (1.0, 0)
        assert record.shade_ms is None
        assert record.lead_ms < 3 * show.nominal_ns / 1e6
    assert np.median([record.lead_ms for record in drawn]) > 0
    for before, after in itertools.pairwise(show.records):
        refreshes = (after.display_time_ns - before.display_time_ns) / show.nominal_ns
        assert after.missed - 0.5 <= refreshes - 1 <= after.missed + 0.5 or (refreshes < 1 and not after.missed)


# --- runs of their own ------------------------------------------------------------------------------------------


def test_with_nobody_there_only_the_surroundings_are_drawn(service: MonadoService, poser: AvatarPoser):
    counting = CountingPoser(poser)
    with headset_run([counting], lambda headset: None, every=1) as run:
        run.rendered(3)
        run.leave()
    assert counting.count == 0
    for seen in run.seen:
        assert seen.state is None
        shown = seen.pictures[..., 3] == 255
        assert shown.mean() > 0.8, "all but what the lenses hide"
        assert (seen.depth[shown] > 0.9).all(), "nothing stands near"


def test_a_lower_scale_is_drawn_and_submitted_as_a_part_of_the_picture(
    service: MonadoService, body: BodyModel, poser: AvatarPoser
):
    half = (Rung(0.5, 0, 0.25, 1.0),)
    with headset_run([poser], Swaying(body), rungs=half, every=1) as run:
        run.rendered(3)
        run.leave()
    assert run.seen[-1].pictures.shape == (2, 120, 160, 4)
    assert (run.seen[-1].submission.width, run.seen[-1].submission.height) == (160, 120)
    near = run.seen[-1].depth < FAR / (FAR - NEAR) * (1 - NEAR / 2.0)
    assert near.any(axis=(1, 2)).all(), "somebody stands nearer than two metres, in either eye"
    assert {record.scale for record in run.records} == {0.5}


def test_a_level_of_detail_is_posed_by_its_own_poser(service: MonadoService, body: BodyModel, poser: AvatarPoser):
    fine, coarse = CountingPoser(poser), CountingPoser(poser)
    with headset_run([fine, coarse], Swaying(body), rungs=(Rung(1.0, 1, 1.0, 0.5),)) as run:
        run.rendered(2)
        run.leave()
    assert (fine.count, coarse.count) == (0, len(run.seen))
    assert {record.level for record in run.records} == {1}


def test_frames_that_are_too_slow_lower_the_scale_and_are_submitted_with_their_own_pose(
    service: MonadoService, body: BodyModel, poser: AvatarPoser
):
    swaying = Swaying(body)

    def slowly(headset: HeadsetPose) -> BodyState:
        time.sleep(0.12)  # more than two refreshes
        return swaying(headset)

    with headset_run([poser], slowly, rungs=(*FULL, Rung(0.5, 0, 0.25, 1.0))) as run:
        run.rendered(9)
        run.leave()
    drawn = [record for record in run.records if record.rendered]
    assert sum(record.missed for record in drawn[1:]) >= len(drawn) - 1
    assert (drawn[0].scale, drawn[-1].scale) == (1.0, 0.5)
    for seen in run.seen:
        for pose, view in zip(seen.submission.poses.T_play_from_eye, seen.views, strict=True):
            assert (pose == view.T_world_from_eye).all()


def test_garbage_waits_until_a_frame_is_handed_over(service: MonadoService, poser: AvatarPoser):
    allowed = []

    def nobody(headset: HeadsetPose) -> None:
        allowed.append(gc.isenabled())

    with headset_run([poser], nobody) as run:
        run.rendered(2)
        assert gc.isenabled()
        gc.disable()
        run.rendered(1)
        assert not gc.isenabled(), "it stays as the caller has it"
        gc.enable()
        run.leave()
    assert not any(allowed)


def test_asking_to_recentre_puts_the_head_above_the_origin(service: MonadoService, poser: AvatarPoser):
    with headset_run([poser], lambda headset: None, presses={4: InputEvent.RECENTER}) as run:
        run.rendered(8)
        run.leave()
    before, after = run.seen[3].headset.T_play_from_head, run.seen[5].headset.T_play_from_head
    assert run.asked == [InputEvent.RECENTER]
    assert np.linalg.norm(after[[0, 2], 3]) < np.linalg.norm(before[[0, 2], 3]) + 0.01
    assert np.abs(after[[0, 2], 3]).max() < 0.02, "the simulated head sways a little between two frames"
    assert after[1, 3] == pytest.approx(before[1, 3], abs=0.05), "its height stays"


def test_holding_the_menu_button_leads_out_through_every_state(service: MonadoService, poser: AvatarPoser):
    with headset_run([poser], lambda headset: None, presses={3: InputEvent.QUIT}) as run:
        states = run.until_exited()
    assert tuple(state.name for state in states) == WHOLE_LIFE
    assert run.asked == [InputEvent.QUIT]


def test_a_runtime_that_dies_is_told_and_the_next_one_is_joined(monado_runtime: None, poser: AvatarPoser):
    with MonadoService("null") as service, service.activate():
        with headset_run([poser], lambda headset: None) as run:
            run.rendered(2)
            service.kill()
            with pytest.raises(RuntimeLost):
                run.frames(100)
        service.start()
        with headset_run([poser], lambda headset: None) as run:
            run.rendered(2)
            assert tuple(state.name for state in run.leave()) == WHOLE_LIFE
