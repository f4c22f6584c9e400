"""Thin, strict stand-ins for the parts of Slicer's Python that PyPI's slicer-core does not have: PythonQt on PySide6, and
the few widgets and modules that MedXAI's panel uses. They prove the panel's logic, not Slicer's widgets."""
