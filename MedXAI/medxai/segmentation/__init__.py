"""From an encoding and a box to a mask, and what the prompt attends to meanwhile."""
