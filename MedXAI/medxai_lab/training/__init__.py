"""Training of the demo model on made-up anatomy: `python -m medxai_lab.training --help`."""
