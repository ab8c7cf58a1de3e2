"""How people are told: the outbox, the pipeline that empties it, and one file a channel."""
