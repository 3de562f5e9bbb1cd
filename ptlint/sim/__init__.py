"""The reference simulator: page-table C executed over many scenarios at once, beside an MMU of its own will."""
