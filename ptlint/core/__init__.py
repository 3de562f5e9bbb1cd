"""Frozen value types that every layer shares. Standard library only; imports nothing else of ptlint."""
