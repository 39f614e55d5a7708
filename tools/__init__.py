"""Domain tools, data sources and the retrieval store."""
