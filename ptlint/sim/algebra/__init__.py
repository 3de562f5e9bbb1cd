"""The algebra of page-table entries: states of an entry, and the laws that its setters and predicates obey."""
