"""The `cpu` backend: numba with explicit 16-lane vectors.

projection   16 Gaussians at a time to ellipses, with the list of those that can be seen
binning      nearest first, into lists of 16x16-pixel tiles
compositing  each tile front to back, one vector being a block of 4x4 pixels
gradients    the same tiles again, from the image's gradient to one row a (Gaussian, tile)
unprojection those rows, summed, back to means, quats, scales and opacities
engine       runs the stages on a few threads; `simd` is the vector type they are written in
"""
