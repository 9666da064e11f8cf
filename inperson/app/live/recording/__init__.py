"""Recording a live session: what its processes hand over, whole and in order, and what goes into the file.

`rings` is what passes between processes, `taps` the side that puts it there, `feeds` the side that makes records of
it, `recording.LiveRecording` what the session holds on to.
"""
