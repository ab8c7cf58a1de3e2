"""The rules in force: read, checked, stored, changed."""
