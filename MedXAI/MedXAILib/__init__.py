"""MedXAI's library: volume → slice image → model input → encoding → segmentation and explanation → scene.

Each arrow is a package (or a module) of its own; only `scene` knows Slicer, nothing here knows Qt.
"""

__version__ = "0.1.0"
