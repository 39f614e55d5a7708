"""What a person touches: command line, REPL, sessions, report rendering and the MCP server."""
