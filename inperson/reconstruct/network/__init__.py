"""The feed-forward network: one photo's pixels on the body's uv map in, Gaussian attributes out."""
