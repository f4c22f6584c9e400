"""The command `medxai`; one file a command."""
