"""Reactions and the planning of syntheses."""
