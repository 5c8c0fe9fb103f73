"""Pictures as SVG, made with the standard library: a function of a record per picture."""
