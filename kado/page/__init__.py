"""The control room's page: served by ``kado run`` where ``[page]`` is."""
