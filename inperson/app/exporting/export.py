"""One export: a session, what is asked for, and the file that its ending says."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from inperson.app.exporting.options import MOVIES, ExportOptions
from inperson.app.exporting.resampling import resampled
from inperson.app.exporting.skeleton import skeleton_motion
from inperson.app.exporting.spaces import facing_the_viewer, in_one_space
from inperson.app.exporting.take import Take, body_of
from inperson.app.recording.avatars import avatar_of
from inperson.app.recording.reader import SessionReader
from inperson.app.recording.span import Span
from inperson.app.writers import check_new_folder, check_writable
from inperson.avatar.atomic_file import write_atomically
from inperson.avatar.body import SHIPPED_BODIES, BodyModel, load_body
from inperson.errors import BadInputError
from inperson.tracking.motion_file import MotionClip, clip_of_states, save_motion

Watch = Callable[[Iterator, int], Iterator]


def export(
    path: Path, out: Path, span: Span, options: ExportOptions, *, say: Callable[[str], None], watch: Watch
) -> None:
    """Write `out`, whole or not at all.

    Args:
        path: the session's file.
        out: what to write: its ending says what.
        span: which part of the session.
        options: checked here.
        say: told in words what is going on.
        watch: sees every picture pass and knows how many there are: a progress bar.

    Raises:
        BadInputError: the session, the options or what is asked of them; nothing to export.
        OutputError: `out` cannot be written, found out before any work.
    """
    options.check(out)
    ending = out.suffix.lower()
    (check_new_folder if ending == "" else check_writable)(out)
    if ending == ".rrd":
        from inperson.app.exporting.rerun_file import load_rerun

        load_rerun()
    with SessionReader(path) as session:
        _Export(session, out, span, options, say, watch).write(ending)


class _Export:
    """What all kinds of files have in common. Each imports only what it needs: a movie's drawing takes seconds."""

    def __init__(
        self,
        session: SessionReader,
        out: Path,
        span: Span,
        options: ExportOptions,
        say: Callable[[str], None],
        watch: Watch,
    ) -> None:
        self._session, self._out, self._span = session, out, span
        self._options, self._say, self._watch = options, say, watch

    def write(self, ending: str) -> None:
        kinds = {
            **dict.fromkeys(MOVIES, self._movie),
            ".npz": self._npz,
            ".bvh": self._bvh,
            ".glb": self._glb,
            ".vrma": self._vrma,
            ".wav": self._wav,
            ".rrd": self._rrd,
            ".json": self._json,
        }
        kinds[ending]()

    def _json(self) -> None:
        from inperson.app.exporting.numbers_json import numbers_text

        self._save(numbers_text(self._session, self._span).encode())

    def _rrd(self) -> None:
        from inperson.app.exporting.rerun_file import write_rerun

        write_rerun(self._session, self._everybody(), self._span, self._options.body, self._out)

    def _movie(self) -> None:
        from inperson.app.exporting.movie import write_movie

        take, options = self._take(), self._options
        avatar = avatar_of(self._session, take.key, options.avatar)
        write_movie(
            take, avatar, options.body, self._out, options.movie, fps=options.fps, say=self._say, watch=self._watch
        )

    def _npz(self) -> None:
        motion = self._at_rate(self._take().motion())
        gender = motion.body_name if motion.body_name in SHIPPED_BODIES else motion.gender
        save_motion(replace(motion, gender=gender), self._out)

    def _bvh(self) -> None:
        from inperson.app.exporting.bvh import bvh_text

        motion, body = self._on_own_body(self._take())
        steady = resampled(motion, self._options.fps or motion.framerate)
        self._save(bvh_text(skeleton_motion(steady, body), steady.framerate).encode())

    def _glb(self) -> None:
        from inperson.app.exporting.glb import glb_bytes
        from inperson.app.motion.played import PlayedMotion, performer_of

        take = self._take()
        motion = take.motion()
        avatar = avatar_of(self._session, take.key, self._options.avatar)
        body = load_body(self._options.body or avatar.body_name)
        performer = performer_of(motion, body)
        motion = self._at_rate(in_one_space(take, motion, performer or body))
        played = PlayedMotion(motion, performer, body, avatar.betas)
        states = [played.state(frame) for frame in range(len(motion))]
        worn = clip_of_states(states, framerate=motion.framerate)
        self._save(glb_bytes(skeleton_motion(worn, body), worn.expression, avatar, body))

    def _vrma(self) -> None:
        from inperson.app.exporting.vrma import vrma_bytes

        take = self._take()
        motion, body = self._on_own_body(take)
        self._save(vrma_bytes(self._at_rate(facing_the_viewer(take, motion, body)), body))

    def _wav(self) -> None:
        from inperson.app.exporting.wav import wav_bytes

        take = self._take()
        sound = take.sound()
        if sound is None:
            raise BadInputError(
                f"session {self._session.path} has no sound of '{take.key}' there",
                "name another participant or part, or another kind of file",
            )
        self._save(wav_bytes(sound.samples))

    def _on_own_body(self, take: Take) -> tuple[MotionClip, BodyModel]:
        """The motion in one space, and the body it is of."""
        motion = take.motion()
        body = body_of(motion, self._options.body)
        return in_one_space(take, motion, body), body

    def _at_rate(self, motion: MotionClip) -> MotionClip:
        """The rate that is asked for; a frame of each state where none is."""
        return motion if self._options.fps is None else resampled(motion, self._options.fps)

    def _take(self) -> Take:
        return Take.of(self._session, self._options.participant, self._span)

    def _everybody(self) -> list[Take]:
        if self._options.participant is not None:
            return [self._take()]
        return [Take.of(self._session, key, self._span) for key in self._session.participants()]

    def _save(self, data: bytes) -> None:
        write_atomically(self._out, data)
