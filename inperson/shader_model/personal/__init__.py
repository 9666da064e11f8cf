"""What the live model learns of one person: a small change of its weights that lives in the `.avatar` file."""
