"""A comparison as one HTML file: figures, panels, sections."""
