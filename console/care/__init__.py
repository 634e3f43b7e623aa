"""What ``kado store`` does with the store that the configuration names."""
