"""What runs the live model: torch, onnxruntime or OpenVINO behind one `Engine`, and the measured choice."""
