"""How many may listen. Apart from the rest, for the server's master needs nothing else of it."""

#: Where an application's ``extensions`` hold its stream.
EXTENSION = "healthdeck.stream"

#: A socket costs four threads; more than this many make every other answer late.
MAX_SOCKETS = 500

#: Places beside the sockets: for those that are being refused, and for the posts of polling.
SPARE = 20
