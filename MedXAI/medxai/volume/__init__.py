"""Volumes: reading files, labels on a volume, and the built-in phantom."""
