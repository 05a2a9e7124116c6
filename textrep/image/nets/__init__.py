"""Networks between pictures and codes."""
