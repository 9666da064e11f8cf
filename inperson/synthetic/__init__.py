"""Synthetic people with ground truth: dressed bodies, motion, light, cameras, captures."""
