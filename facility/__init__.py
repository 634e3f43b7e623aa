"""kado: the domain: signals, time, modes, schedule, periods, definitions. Pure, imports nothing else of kado."""
