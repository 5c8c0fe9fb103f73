"""Holds what is derived against what was asked for, published, or measured."""
