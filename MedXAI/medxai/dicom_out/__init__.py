"""Results as DICOM objects beside the images that they came from: segmentation, parametric maps, structured report."""
