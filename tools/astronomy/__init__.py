"""Tools for astronomy: times, positions, distances, orbits, periods, transits and light curves."""
