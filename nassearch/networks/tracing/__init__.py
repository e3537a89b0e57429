"""What a torch module does on a forward pass: its parameters that are weights, its layers' outputs, its operations."""
