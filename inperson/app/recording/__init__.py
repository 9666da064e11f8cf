"""Session files: what happened in a session, as an MCAP that opens after any accident. See docs/formats.md."""
