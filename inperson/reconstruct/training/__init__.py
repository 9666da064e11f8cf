"""Training the feed-forward network on synthetic people (README.md beside this file has the commands)."""
