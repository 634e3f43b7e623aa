"""Profiles with thousands of signals."""

from pathlib import Path

import facility


def many_signals(folder: Path, count: int) -> str:
    """Write a profile with the signals of a simulated ring and n_0000, n_0001 and so on, and return its path."""
    shipped = (Path(facility.__file__).parent / "profiles" / "nanoterasu_sim.toml").read_text(encoding="utf-8")
    signals = "".join(f'[[signal]]\nid = "n_{i:04}"\nperiod_s = 1.0\n' for i in range(count))
    path = folder / "many_signals.toml"
    path.write_text(shipped + signals, encoding="utf-8")
    return str(path)
