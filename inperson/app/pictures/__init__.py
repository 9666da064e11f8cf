"""An avatar drawn outside of a session: through a recorded motion, from all sides, beside its photo."""
