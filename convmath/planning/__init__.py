"""Questions that architects ask of formulas: which network, which size, from when on."""
