"""Several devices of one run: packs are handed out to Ray actors, each with one device and one encoder per arm."""
