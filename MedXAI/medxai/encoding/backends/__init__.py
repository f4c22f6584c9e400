"""The ways to compute the image encoder; one file a way."""
