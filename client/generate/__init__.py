"""What of the client libraries is written by a program: types, and a method for each operation."""
