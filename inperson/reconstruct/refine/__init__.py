"""Making an avatar better with a few seconds of video."""
