"""Recorded sessions, played again: the states that were recorded, through the pose, render and shade path of live."""
