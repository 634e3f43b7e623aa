"""kado: what people touch. Command line, service and library."""
