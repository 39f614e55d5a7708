"""Instruments of earth science: waveforms, picks, travel times, magnitudes, catalogues, distances."""
