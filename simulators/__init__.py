"""kado: machines to watch without a machine: seeded models of a facility, with the answers."""
