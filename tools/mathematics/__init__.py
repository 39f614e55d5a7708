"""Instruments of mathematics: symbolic computation, calculation with units, propagation of uncertainty."""
