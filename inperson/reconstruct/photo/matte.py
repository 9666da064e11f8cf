"""`Matter`: the person cut out of a picture, with soft edges and clean colours."""

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from inperson.reconstruct.photo.matting import cut
from inperson.reconstruct.photo.one_person import one_person
from inperson.reconstruct.photo.segmenting import PersonSegmenter, person_box, pixel_size
from inperson.reconstruct.stages import Matte
from inperson.tracking.models import SILHOUETTE, model_path
from inperson.tracking.observation import Observation


class Matter:
    """Cuts a person out of pictures and video frames. One thread at a time.

    Args:
        model: the segmenter's file; by default the one of the per-user cache.

    Raises:
        MissingModelError: it is not there, or damaged.
    """

    def __init__(self, model: Path | None = None) -> None:
        self._segmenter = PersonSegmenter(model or model_path(SILHOUETTE))

    def cut_out(self, image: UInt8[np.ndarray, "H W 3"], observation: Observation) -> Matte:
        """The person that `observation` describes; an empty matte where nobody was seen.

        Args:
            image: RGB, of the size of `observation.intrinsics`.
            observation: of the same picture; its silhouette, where it has one, leaves other people out.
        """
        if person_box(observation) is None:
            return Matte(np.zeros(image.shape[:2], np.float32), image.astype(np.float32) / 255.0)
        person = one_person(self._segmenter.probability(image, observation), observation)
        return Matte(*cut(image, person, pixel_size(observation)))
