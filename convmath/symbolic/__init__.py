"""The rules: what each layer does, derived, and how layers compose. No array is ever made here."""
