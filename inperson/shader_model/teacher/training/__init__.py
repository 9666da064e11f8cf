"""Training the teacher on windows of synthetic people (README.md one folder up has the commands)."""
