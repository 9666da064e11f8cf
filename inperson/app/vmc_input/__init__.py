"""Parts of the body from another program that sends VMC (docs/outputs.md)."""
