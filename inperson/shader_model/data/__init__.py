"""Windows of frames that the shader learns from: what it is told of a person, and what they truly looked like."""
