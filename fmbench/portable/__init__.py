"""Trained policies as files that run without fmbench, and as folders for the Hugging Face Hub."""
