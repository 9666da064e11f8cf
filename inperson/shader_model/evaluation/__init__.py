"""How good the live shader is: against true pictures of people it never met, in time, between eyes, and for long."""
