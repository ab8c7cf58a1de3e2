"""How many may listen, and to how much. Apart from the rest, for the server's master needs nothing
else of it."""

#: Where an application's ``extensions`` hold its stream.
EXTENSION = "healthdeck.stream"

#: A socket costs four threads; more than this many make every other answer late.
MAX_SOCKETS = 500

#: Of these one identity may hold so many: a portal may open all of its users' sockets with one
#: key, and what runs wild leaves places for others.
MAX_EACH = 400

#: Places beside the sockets: for those that are being refused, and for the posts of polling.
SPARE = 20

#: Rooms of one socket: those of a fleet of a thousand servers.
MAX_ROOMS = 1000

#: Bytes that may wait for a client, each packet counted as so many more than its text. One that
#: is further behind reads nothing any more.
MAX_BEHIND = 8 * 2**20
PACKET = 2048

#: Packets of any kind that may wait for a client, answers to what it sends included.
MAX_QUEUE = 10_000
