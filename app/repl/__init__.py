"""The chat at the terminal: commands, the line that is typed, the screen, and the loop that joins them."""
