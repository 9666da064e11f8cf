"""Posed Gaussians to an eye: views, rasterisers (gsplat, GL, CPU), GBuffer, the mirror window."""
