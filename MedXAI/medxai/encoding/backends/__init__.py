"""The backends: how the image encoder can be computed; one file each, which registers a class with a key (see `base`).

None of these files imports PyTorch when it is imported, so that the panel and the command line can list them before
PyTorch is installed. The numerical work is in `encoding.kernels`.
"""
