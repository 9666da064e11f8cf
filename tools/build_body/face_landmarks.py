"""Where landmarks lie on the face's surface: MediaPipe's 478 points and SMPL-X's iBUG-51.

MediaPipe's own face landmarker looks at shaded pictures of the neutral head from a few sides; each point is
cast back onto the mesh and averaged. iBUG's 51 are 51 of those. All bodies share the topology, so one
mapping serves them all.
"""

import mediapipe as mp
import numpy as np
import trimesh
from jaxtyping import Float, Int
from mediapipe.tasks import python as tasks
from mediapipe.tasks.python import vision

from inperson.avatar.body import EYE_SOCKET, MOUTH, TONGUE
from inperson.tracking.models import FACE, model_path
from tools.build_body.mesh_renderer import Camera, MeshRenderer, part_colors

NUM_MEDIAPIPE = 478
IBUG_FROM_MEDIAPIPE = (
    *(70, 63, 105, 66, 107, 336, 296, 334, 293, 300),  # brows
    *(168, 197, 5, 4, 98, 97, 2, 326, 327),  # nose
    *(33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380),  # eyes
    *(61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181),  # outer lips
    *(78, 82, 13, 312, 308, 317, 14, 87),  # inner lips
)
"""MediaPipe's point for each of iBUG's landmarks 17 to 67."""
_YAWS, _PITCHES = (-24, -12, 0, 12, 24), (-8, 4)
_PIXELS, _METRES = 640, 0.34
_DISTANCE = 3.0
_FACING = 0.35
"""Cosine between the surface and the view below which a sighting does not count."""


def find_face_landmarks(
    vertices: Float[np.ndarray, "V 3"],
    faces: Int[np.ndarray, "F 3"],
    vertex_part: Int[np.ndarray, " V"],
    eyes_at: Float[np.ndarray, "3"],
) -> dict[str, np.ndarray]:
    """`mediapipe_faces` (478, -1 where unseen), `mediapipe_barycentric`, `lmk_faces_idx`, `lmk_bary_coords`.

    Args:
        vertices: the T-posed neutral body.
        eyes_at: the middle between its eyes.
    """
    hidden = np.isin(vertex_part, (MOUTH, EYE_SOCKET, TONGUE))
    on_head = (np.abs(vertices - eyes_at) < 0.2).all(1) & ~hidden
    head_faces = np.flatnonzero(on_head[faces].all(1))
    head = trimesh.Trimesh(vertices, faces[head_faces], process=False)
    renderer = MeshRenderer(faces)
    colors = part_colors(vertices, vertex_part, eyes_at)
    total, weight = np.zeros((NUM_MEDIAPIPE, 3)), np.zeros(NUM_MEDIAPIPE)
    for pitch in _PITCHES:
        for yaw in _YAWS:
            camera = Camera((eyes_at[0], eyes_at[1] - 0.035, eyes_at[2] - 0.06), _METRES, yaw, pitch, _DISTANCE)
            picture = renderer.draw(vertices, colors, camera, _PIXELS, _PIXELS)
            points, facing = _cast(head, _detect(picture), camera)
            total += points * facing[:, None]
            weight += facing
    if (weight > 0).sum() < 400:
        raise RuntimeError(f"only {(weight > 0).sum()} of {NUM_MEDIAPIPE} face landmarks found on the pictures")
    seen = weight > 0
    _, _, face = trimesh.proximity.closest_point(head, total[seen] / weight[seen, None])
    place = trimesh.triangles.closest_point(head.triangles[face], total[seen] / weight[seen, None])
    mediapipe_faces = np.full(NUM_MEDIAPIPE, -1)
    mediapipe_faces[seen] = head_faces[face]
    barycentric = np.zeros((NUM_MEDIAPIPE, 3))
    barycentric[seen] = trimesh.triangles.points_to_barycentric(head.triangles[face], place)
    ibug = np.array(IBUG_FROM_MEDIAPIPE)
    if not seen[ibug].all():
        raise RuntimeError(f"MediaPipe points {ibug[~seen[ibug]]} were seen on no picture")
    return {
        "mediapipe_faces": mediapipe_faces.astype(np.int32),
        "mediapipe_barycentric": barycentric.astype(np.float32),
        "lmk_faces_idx": mediapipe_faces[ibug].astype(np.int64),
        "lmk_bary_coords": barycentric[ibug],
    }


def _detect(picture: np.ndarray) -> Float[np.ndarray, "478 2"] | None:
    """Landmarks in pixels, or None where no face was found."""
    options = vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model_path(FACE))), num_faces=1
    )
    with vision.FaceLandmarker.create_from_options(options) as landmarker:
        found = landmarker.detect(mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(picture))).face_landmarks
    return np.array([[p.x * _PIXELS, p.y * _PIXELS] for p in found[0]]) if found else None


def _cast(
    head: trimesh.Trimesh, pixels: np.ndarray | None, camera: Camera
) -> tuple[Float[np.ndarray, "478 3"], Float[np.ndarray, "478"]]:
    """First hit of each landmark's ray, and how much it counts (0: missed or seen edge-on)."""
    points, facing = np.zeros((NUM_MEDIAPIPE, 3)), np.zeros(NUM_MEDIAPIPE)
    if pixels is None:
        return points, facing
    clip, towards = camera.clip_from_world(1.0)
    eye = np.array(camera.target) + camera.distance * towards
    ndc = np.stack([2 * pixels[:, 0] / _PIXELS - 1, 1 - 2 * pixels[:, 1] / _PIXELS], axis=1)
    far = np.linalg.solve(clip, np.c_[ndc, np.ones((NUM_MEDIAPIPE, 2))].T).T
    directions = far[:, :3] / far[:, 3:] - eye
    hits, ray, face = head.ray.intersects_location(np.tile(eye, (len(pixels), 1)), directions, multiple_hits=False)
    cosine = head.face_normals[face] @ towards
    points[ray], facing[ray] = hits, np.where(cosine > _FACING, cosine, 0.0)
    return points, facing
