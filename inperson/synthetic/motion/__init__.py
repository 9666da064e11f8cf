"""Motion of synthetic people: files (BVH, AMASS-style npz), gestures, speech-like faces, sway, scripted clips."""
