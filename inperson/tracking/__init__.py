"""Camera frames to `BodyState`: sources, landmarkers and their model files, the SMPL-X fit, filters."""
