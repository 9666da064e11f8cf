"""The mirror: where its eye stands, what it draws, and the window and the file that show it.

framing.py       the eye before a person, and how its picture becomes a mirror's
view.py          a state in, the mirror's picture out
show.py          in a session: pictures to a window and a file, hot keys out
overlay_feed.py  the figures in the window's overlay
"""
