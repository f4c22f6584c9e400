"""The panel in Slicer: shows the controller's state, and hands on what the user does. The only package that may know Qt."""
