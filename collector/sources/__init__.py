"""What signals come from: a folder for each kind of source, and one table of them."""
