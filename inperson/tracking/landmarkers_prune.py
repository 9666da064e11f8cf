"""Takes out of a tflite network what only unwanted outputs need.

MediaPipe's pose network draws a mask of the person at 256x256 pixels, which takes a third of its time. LiteRT
computes every output, asked for or not, so a network that shall not draw it must not have it.
"""

from collections.abc import Sequence

import flatbuffers
from ai_edge_litert import schema_py_generated as schema

_IDENTIFIER = b"TFL3"


def with_outputs(tflite: bytes, outputs: Sequence[int]) -> bytes:
    """The network with only some of its outputs, and without the operations that none of these depends on.

    What is left computes the same numbers. Metadata and signatures, which describe all outputs, go.

    Args:
        tflite: a model of one subgraph.
        outputs: the wanted outputs by their place among the network's, in the order they shall have.
    """
    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    (graph,) = model.subgraphs
    graph.outputs = [int(graph.outputs[i]) for i in outputs]
    needed = set(graph.outputs)
    kept = []
    for operator in reversed(graph.operators):
        if needed.intersection(int(tensor) for tensor in operator.outputs):
            needed.update(int(tensor) for tensor in operator.inputs)
            kept.append(operator)
    graph.operators = kept[::-1]
    model.metadata, model.metadataBuffer, model.signatureDefs = None, None, None
    builder = flatbuffers.Builder(len(tflite))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())
