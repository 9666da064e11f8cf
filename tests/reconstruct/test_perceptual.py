"""The perceptual distance: its layers are the file's, and it finds worse what looks worse."""

import zipfile

import av
import cv2
import numpy as np
import pytest
import torch
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from inperson.paths import assets_dir
from inperson.reconstruct.perceptual import SMALLEST_SIDE, TAPS, Perceptual
from inperson.reconstruct.perceptual_weights import NetworkPrefix
from inperson.tracking.models import POSE, fetch_models, model_path


@pytest.fixture(scope="module")
def perceptual() -> Perceptual:
    fetch_models()
    return Perceptual.load()


@pytest.fixture(scope="module")
def network() -> bytes:
    fetch_models()
    with zipfile.ZipFile(model_path(POSE)) as members:
        return members.read("pose_landmarks_detector.tflite")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """A frame of the shipped clip, (256, 256, 3) uint8."""
    with av.open(str(assets_dir() / "performer" / "performer.mp4")) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    return cv2.resize(frame[:, 80:560], (256, 256), interpolation=cv2.INTER_AREA)


def tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)[None]


def blurred(image: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(image, (0, 0), sigma)


def shifted(image: np.ndarray, pixels: int) -> np.ndarray:
    return np.concatenate([np.repeat(image[:, :1], pixels, axis=1), image[:, :-pixels]], axis=1)


def test_torch_layers_equal_the_interpreters(network, picture):
    interpreter = Interpreter(
        model_content=network,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
    )
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    interpreter.set_tensor(given["index"], picture[None].astype(np.float32) / 255)
    interpreter.invoke()
    for tap, ours in zip(TAPS, NetworkPrefix(network, TAPS)(tensor(picture)), strict=True):
        theirs = interpreter.get_tensor(tap)[0].transpose(2, 0, 1)
        assert theirs.std() > 0.1
        np.testing.assert_allclose(ours[0].numpy(), theirs, atol=1e-3, err_msg=f"tensor {tap}")


def test_layers_behind_an_unknown_operator_are_refused(network):
    last = int(Interpreter(model_content=network).get_output_details()[0]["index"])
    with pytest.raises(ValueError, match="is made by operator"):
        NetworkPrefix(network, [last])


def test_distortions_rank_as_people_rank_them(perceptual, picture):
    def away(other: np.ndarray) -> float:
        return float(perceptual.distance(tensor(picture), tensor(other)))

    def mse(other: np.ndarray) -> float:
        return float((tensor(picture) - tensor(other)).square().mean())

    assert away(picture) == 0.0
    blurs = [away(blurred(picture, sigma)) for sigma in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert blurs == sorted(blurs)
    assert blurs[0] > 0
    shift, blur = shifted(picture, 1), blurred(picture, 2.0)
    assert mse(blur) < mse(shift), "squared errors call the blur the better picture"
    assert away(blur) > 1.5 * away(shift)
    brighter = np.clip(picture * 1.1, 0, 255).astype(np.uint8)
    assert mse(brighter) > mse(blur)
    assert away(brighter) < 0.3 * away(blur)


def test_distance_is_symmetric_and_each_row_its_own(perceptual, picture):
    a = torch.cat([tensor(picture), tensor(shifted(picture, 3))])
    b = torch.cat([tensor(blurred(picture, 2.0)), tensor(picture)])
    both = perceptual.distance(a, b)
    torch.testing.assert_close(both, perceptual.distance(b, a))
    for row in range(2):
        torch.testing.assert_close(both[row], perceptual.distance(a[row : row + 1], b[row : row + 1])[0])


def test_mask_says_where_it_counts(perceptual, picture):
    damaged = picture.copy()
    damaged[:, :96] = blurred(picture, 4.0)[:, :96]
    left = torch.zeros(1, 1, 256, 256)
    left[..., :96] = 1.0
    right = torch.zeros(1, 1, 256, 256)
    right[..., 224:] = 1.0
    whole = float(perceptual.distance(tensor(picture), tensor(damaged)))
    inside = float(perceptual.distance(tensor(picture), tensor(damaged), left))
    outside = float(perceptual.distance(tensor(picture), tensor(damaged), right))
    assert inside > 1.5 * whole
    assert outside < 0.05 * whole
    everywhere = float(perceptual.distance(tensor(picture), tensor(damaged), torch.ones(1, 1, 256, 256)))
    assert everywhere == pytest.approx(whole, rel=1e-5)


def test_gradient_is_the_slope_and_leads_back(perceptual, picture):
    target = tensor(picture)
    image = tensor(blurred(picture, 2.0)).requires_grad_(True)
    perceptual.distance(image, target).sum().backward()
    assert image.grad is not None
    assert all(not parameter.requires_grad for parameter in perceptual.parameters())
    direction = image.grad / image.grad.square().sum().sqrt()

    def along(step: float) -> float:
        return float(perceptual.distance(image.detach() + step * direction, target))

    slope = (along(0.01) - along(-0.01)) / 0.02
    assert slope == pytest.approx(float((image.grad * direction).sum()), rel=0.1)
    assert along(-0.05) < along(0.0)


def test_any_size_but_tiny(perceptual):
    wide = torch.rand(1, 3, 45, 83)
    assert float(perceptual.distance(wide, wide.flip(-1))) > 0
    with pytest.raises(ValueError, match="smaller than"):
        perceptual.distance(*[torch.rand(1, 3, SMALLEST_SIDE - 1, 64)] * 2)
