"""The executor: one kernel per layer kind, run on numbers or on elements that measure.

``array`` says what every array can do, ``values``, ``counts`` and ``traces`` what the
arithmetic means on each. The kernels stand in files named as in ``convmath.spec``;
``execute`` walks a network, ``measure`` walks it with arrays that measure. Nothing here
knows the algebra or a formula of a size: a kernel pads, takes windows, strides, and the
size is what remains.
"""
