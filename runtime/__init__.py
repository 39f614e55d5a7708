"""What everything runs on: quantities, journal, budget, policy, modes, HTTP, workers, settings, events."""
