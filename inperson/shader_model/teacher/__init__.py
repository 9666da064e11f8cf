"""The teacher: a flow-matching video model that shades offline; the live model is distilled from it (README.md)."""
