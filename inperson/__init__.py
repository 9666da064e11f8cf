"""InPerson: VR telepresence with a live, photoreal avatar of yourself.

To follow one frame, start at ``inperson.app.live.session`` and read downwards:
tracking -> BodyState -> avatar -> render -> mirror window or file.
"""
