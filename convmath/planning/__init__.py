"""Questions asked backwards: which sizes, which strides, which kernels."""
