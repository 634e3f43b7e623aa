"""Looking after the embedded store: what it holds, whether it is whole, what may go, and copies of it."""
