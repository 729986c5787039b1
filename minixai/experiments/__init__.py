"""The experiments behind the discussion (Section 7): each one function, one table, one JSON file in data/results."""
