"""Who someone is: the SMPL-X-layout body, `BodyState`, the Gaussian avatar, posing it, its file."""
