"""What bench/ measures in processes of their own, for they need PyTorch."""
