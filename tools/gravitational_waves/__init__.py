"""Tools for gravitational waves: compact binaries, strain data and matched filtering."""
