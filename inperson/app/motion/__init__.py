"""What moves an avatar: a camera or a clip that is tracked, or a motion file; always as of some moment.

inputs.py            which source a session takes
pipeline.py          what tracks it, behind one small interface
camera.py            the real pipeline: source, landmarkers, fit
tracking_process.py  the tracking clock, in a process of its own
tracked.py           what crosses from there to the displays
state_record.py      a body state in shared memory
played.py            a motion file
states.py            either of them to a display: the state at a moment
placing.py           a body somewhere else
"""
