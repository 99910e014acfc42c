"""Pure functions on DataFrames and numbers."""
