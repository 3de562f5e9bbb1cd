"""What must hold of a run, each property once, by the words of its contract. A check yields the lanes that break it."""
