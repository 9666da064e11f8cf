"""Motions of other programs as sessions. See docs/exports.md."""
