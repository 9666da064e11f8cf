"""Making an avatar: fitting Gaussians to captures; from one photo and from a clip (issues to come)."""
