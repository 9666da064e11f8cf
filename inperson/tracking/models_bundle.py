"""Builds MediaPipe `.task` bundles out of plain tflite networks, byte for byte reproducible.

A `.task` bundle is an uncompressed zip of tflite files. The Tasks runtime insists that every image
network states its input normalisation in TFLite metadata, which the networks inside older mediapipe
wheels do not, so it is added here. See TensorFlow Lite's `metadata_schema.fbs`.
"""

import io
import zipfile
from collections.abc import Mapping

import flatbuffers
from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_fb
from mediapipe.tasks.metadata import schema_py_generated as tflite_fb

_METADATA_NAME = b"TFLITE_METADATA"
_METADATA_PARSER_VERSION = "1.0.0"
_TFLITE_IDENTIFIER = b"TFL3"
_ZIP_DATE = (2024, 1, 1, 0, 0, 0)


def with_image_normalization(network: bytes, name: str, *, mean: float = 0.0, std: float = 255.0) -> bytes:
    """The tflite `network` with metadata saying its RGB input is `(pixel - mean) / std`, pixel in 0..255."""
    model = tflite_fb.ModelT.InitFromPackedBuf(network, 0)
    buffer = tflite_fb.BufferT()
    buffer.data = list(_normalization_metadata(name, mean, std))
    entry = tflite_fb.MetadataT()
    entry.name = _METADATA_NAME
    entry.buffer = len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    builder = flatbuffers.Builder(len(network) + 4096)
    builder.Finish(model.Pack(builder), file_identifier=_TFLITE_IDENTIFIER)
    return bytes(builder.Output())


def task_bundle(members: Mapping[str, bytes]) -> bytes:
    """A `.task` bundle: the members stored, not compressed, because the runtime maps them in place."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as bundle:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _ZIP_DATE)
            info.create_system = 3  # the same bytes on every operating system
            bundle.writestr(info, data)
    return out.getvalue()


def _normalization_metadata(name: str, mean: float, std: float) -> bytes:
    options = metadata_fb.NormalizationOptionsT()
    options.mean, options.std = [mean], [std]
    unit = metadata_fb.ProcessUnitT()
    unit.optionsType = metadata_fb.ProcessUnitOptions.NormalizationOptions
    unit.options = options

    image = metadata_fb.ImagePropertiesT()
    image.colorSpace = metadata_fb.ColorSpaceType.RGB
    content = metadata_fb.ContentT()
    content.contentPropertiesType = metadata_fb.ContentProperties.ImageProperties
    content.contentProperties = image

    tensor = metadata_fb.TensorMetadataT()
    tensor.name = "image"
    tensor.content = content
    tensor.processUnits = [unit]
    subgraph = metadata_fb.SubGraphMetadataT()
    subgraph.inputTensorMetadata = [tensor]

    model = metadata_fb.ModelMetadataT()
    model.name = name
    model.minParserVersion = _METADATA_PARSER_VERSION
    model.subgraphMetadata = [subgraph]
    builder = flatbuffers.Builder(512)
    builder.Finish(model.Pack(builder), file_identifier=b"M001")
    return bytes(builder.Output())
