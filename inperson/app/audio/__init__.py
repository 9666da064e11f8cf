"""Sound: microphones and files in, Opus packets out and back."""
