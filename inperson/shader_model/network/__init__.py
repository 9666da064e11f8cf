"""The live model: its sizes, its parts, its weights, and how its memory is carried from frame to frame."""
