"""Networks to files: the way back from the canonical form to lines that a person reads."""
