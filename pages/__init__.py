"""One file a URL: its layout and thin callbacks. Dash executes these files by path."""
