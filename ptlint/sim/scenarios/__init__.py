"""What is run: one file a family of helpers. Each says by role which helpers it fits, drives them and checks."""
