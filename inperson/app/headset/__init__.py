"""The headset of a live session: a process of its own that draws both eyes at the display's rate.

`process.HeadsetProcess` is the handle on it; what runs there begins at `inside.drive`.
"""
