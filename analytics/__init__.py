"""kado: from samples to an availability figure: pure functions, no input or output."""
