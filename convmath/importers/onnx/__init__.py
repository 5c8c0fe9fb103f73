"""Models of ONNX: the file, safely and without its weights, then its graph, operator by operator."""
