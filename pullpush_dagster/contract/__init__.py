"""Contract: a connector's real pulls and pushes against a server that answers as its samples say."""
