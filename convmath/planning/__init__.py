"""Questions that architects ask of formulas: which sizes and strides, which of several networks, from when on."""
