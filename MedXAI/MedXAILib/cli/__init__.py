"""The command `medxai`."""
