// Has nothing of its own: its precompiled headers are those of others.
