"""The panel's state and rules. Imports neither Qt nor MRML, and no PyTorch before it is needed."""
