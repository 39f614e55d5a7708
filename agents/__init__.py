"""The LangGraph system: contracts, planner, specialists, verifier, reporter and the one graph."""
