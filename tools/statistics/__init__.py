"""Tables, tests, fits and experimental design."""
