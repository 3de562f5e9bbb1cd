"""Facts about a snapshot that rules ask for: what a patch changed, and what running the code came to."""
