"""Well-known networks as spec files, and what was published about them."""
