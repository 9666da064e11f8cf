"""The live session. Follow one frame from `session` downwards.

plan.py       what the options come to on this machine
setup.py      from there to a session that runs: what is opened, in which order, and what is said
session.py    the display clock, and the watch over the headset
input.py      what moves the avatar
mirror.py     where it is shown
headset.py    the headset's process
recording/    what goes into a session file
report.py     what was measured
"""
