"""Imported by a worker that was forked from a process which knew the installed tools already: it looks again."""

from benchmate.tools.registry import load_registry

load_registry.cache_clear()
