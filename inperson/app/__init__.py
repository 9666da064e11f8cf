"""What a person runs: commands, the live session, devices, doctor."""
