"""What the outside sees over HTTP: the guard, login, REST, stream and the server itself."""
