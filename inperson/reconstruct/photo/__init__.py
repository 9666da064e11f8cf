"""From a picture file to a person: reading, choosing, cutting out, fitting the body."""
