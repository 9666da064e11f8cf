"""The offline teacher beside the live model: all around people who stand still, and in motion."""
