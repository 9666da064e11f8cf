"""How good avatars are: against captures of synthetic people, and against the clips they were made from."""
