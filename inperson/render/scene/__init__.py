"""What one sees in a headset: the room, the mirror in it, and avatars, drawn into any two framebuffers."""
