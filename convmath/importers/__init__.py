"""Foreign graphs to networks: files of ONNX and modules of PyTorch."""
