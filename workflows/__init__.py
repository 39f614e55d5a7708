"""YAML workflows: schema, loader, dry run, and the workflows that ship."""
