"""The retrieval store: documents of the user, searched by meaning and quoted exactly."""
