"""Who may read and write on the page: accounts, sessions, origins, limits."""
