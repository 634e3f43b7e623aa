"""JSON under ``/api/v1/``: the documents of `kado.queries` and of the live state."""
