"""Measurement in pictures: objects, bands and curves."""
