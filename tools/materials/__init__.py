"""Crystals and battery materials: structures, diffraction, oxidation states, equations of state."""
