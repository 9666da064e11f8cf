"""The causal video shader that refines each eye's picture: the subject of a later issue."""
