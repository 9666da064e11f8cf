"""Training the live model on windows of synthetic people (README.md beside this file has the commands)."""
