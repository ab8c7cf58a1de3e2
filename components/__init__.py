"""Render functions: a frozen view in, a Dash component tree out. No I/O and no callbacks."""
