"""The networks of the model families, as PyTorch modules; imported only when a model is built."""
