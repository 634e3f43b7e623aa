"""The journal: what people decided and published, append-only. Import `storage.journal.journal` where it is opened."""
