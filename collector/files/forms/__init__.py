"""Forms of files that people have, recognised from their content and put into one: lines of UTF-8 CSV."""
