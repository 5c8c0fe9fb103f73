"""The command line: parses, calls ``api``, prints, exits; each command is a module of its own."""
