"""The run store: every SQL statement of the product lives in this package."""
