"""Sessions for other programs: movies, motions, skeletons, sound, numbers. See docs/exports.md."""
