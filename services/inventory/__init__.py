"""What is watched: the inventory file, its lookups, and its rows in the database."""
