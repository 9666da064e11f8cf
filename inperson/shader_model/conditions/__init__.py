"""What the shader is told of each frame, drawn and computed from the posed Gaussians and the cameras."""
