"""From a fitted body to a dressed surface with the photo's pixels on it."""
