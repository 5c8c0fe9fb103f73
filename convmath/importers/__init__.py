"""Models made elsewhere, as networks: each importer reads its own format, all write on one sketch."""
