"""Reports as a person reads them: Markdown, one HTML file, and the RO-Crate of a run's folder."""
