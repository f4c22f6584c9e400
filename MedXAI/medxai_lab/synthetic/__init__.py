"""Made-up anatomy: the images that the demo model learns from. No real scan goes into it."""
