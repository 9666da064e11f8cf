"""Making an avatar, around what `reconstruct` does: consent, the person of a photo, the shader taught the person."""
