"""What commands that take long show: one bar through all their stages, then tables."""
