"""Questions that architects ask of formulas: which of several networks, and from when on."""
