"""The image encoder's one pass over a slice: embedding, features of the tapped layers, and their cache."""
